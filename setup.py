from setuptools import find_packages, setup

# Explicit, because pyproject.toml cannot both find packages and map a folder: the specs of specs/ are
# installed as netspec/zoo; a checkout reads them where they lie (netspec/zoo.py).
setup(
    packages=[*find_packages(include=["netspec*", "compiler*", "runtime*"]), "netspec.zoo"],
    package_dir={"netspec.zoo": "specs"},
    package_data={
        "": ["py.typed"],
        "netspec.zoo": ["*.yaml", "*.csv", "*.png", "index.json"],
        "netspec.reports": ["templates/*"],
        "runtime.data": ["digits/*"],
    },
    include_package_data=False,
)
