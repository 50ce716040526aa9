"""exp, log, tanh, sigmoid, erf, sin, cos and powers of vectors.

Written over ``Lanes``, without branches or tables: range reduction, then a
polynomial. Within 2 ulp in float32 and a few in float64 where the result is a
normal number; denormal results may be 0 (the team flushes them). NaN in, NaN
out; infinities as in C. Every step is ``exact``: reassociation would undo the
compensated reductions.

Source: the constants are those of the Cephes library (S. Moshier) and of
FreeBSD's msun (Sun Microsystems), reductions by fma; those of erf are minimax fits
of our own.
"""

from __future__ import annotations

from math import factorial

from runtime.vector import lanes as L
from runtime.vector.lanes import Lanes, convert, fma, select, sqrt

LOG2E = 1.4426950408889634
LN2 = {"f32": (0.693359375, -2.12194440e-4), "f64": (6.93147180369123816490e-01, 1.90821492927058770002e-10)}
"""ln 2 in two parts; the first has trailing zeros, so that n x part is exact."""

MAGIC = {"f32": 12582912.0, "f64": 6755399441055744.0}
"""1.5 x 2^mantissa bits: adding it leaves round(x) in the low bits, with no conversion that NaN would upset."""

WHOLE = {"f32": "i32", "f64": "i64"}
MANTISSA = {"f32": 23, "f64": 52}
BIAS = {"f32": 127, "f64": 1023}
EXP_RANGE = {"f32": (-104.0, 89.0), "f64": (-746.0, 710.0)}
"""exp is 0 below and infinite above; within, 2^n is made of two factors."""

SIGMOID_LIMIT = {"f32": 88.0, "f64": 709.0}

EXP_F32 = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
EXP_F64 = tuple(1.0 / factorial(k) for k in range(13, 1, -1))

LOG_F32 = (
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
LOG_F64 = (
    1.479819860511658591e-01,
    1.531383769920937332e-01,
    1.818357216161805012e-01,
    2.222219843214978396e-01,
    2.857142874366239149e-01,
    3.999999999940941908e-01,
    6.666666666666735130e-01,
)

TANH_F32 = (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1)
TANH_P = (-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3)
TANH_Q = (1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3)

SIN_F32 = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
COS_F32 = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
SIN_F64 = (
    1.58969099521155010221e-10,
    -2.50507602534068634195e-08,
    2.75573137070700676789e-06,
    -1.98412698298579493134e-04,
    8.33333333332248946124e-03,
    -1.66666666666666324348e-01,
)
COS_F64 = (
    -1.13596475577881948265e-11,
    2.08757232129817482790e-09,
    -2.75573143513906633035e-07,
    2.48015872894767294178e-05,
    -1.38888888888741095749e-03,
    4.16666666666666019037e-02,
)
HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33)
"""pi / 2 as the sum of three float64 numbers."""

ERF_LIMIT = {"f32": 4.0, "f64": 6.0}
"""Beyond, erf rounds to 1."""

ERF_NEAR = {
    "f32": (
        7.889183949561441e-05,
        -0.0008020861373396317,
        0.00518953770106781,
        -0.026854445873451403,
        0.11283600207365135,
        -0.3761262713864033,
        0.1283791659141035,
    ),
    "f64": (
        -7.801189458031479e-10,
        1.3722975282259087e-08,
        -1.620917533520046e-07,
        1.6447517549159997e-06,
        -1.4924744647793058e-05,
        0.00012055295319368676,
        -0.0008548325989646405,
        0.005223977607422095,
        -0.026866170643276004,
        0.11283791670945252,
        -0.3761263890318355,
        0.12837916709551256,
    ),
}
"""erf(x) / x - 1 as a polynomial in x^2 for |x| < 1."""

ERF_FAR = {
    "f32": (
        0.00018556531282756157,
        -0.00293952268535802,
        0.02180498515349535,
        -0.10303668839807144,
        0.36177356166350905,
        -1.127039593120061,
        -0.0003538244011981461,
    ),
    "f64": (
        1.7401366064555488e-11,
        -6.410036514661852e-10,
        1.0725191921725833e-08,
        -1.0642212833238191e-07,
        6.75297414812678e-07,
        -2.6102946239778855e-06,
        3.3737224860382783e-06,
        2.8686285035962548e-05,
        -0.00023219569215842046,
        0.0009226528533921947,
        -0.0021024572662504256,
        0.0005879081497340668,
        0.018862361954508855,
        -0.10263591985418148,
        0.3633317413814788,
        -1.1283685482875037,
        -1.081862042534309e-06,
    ),
}
"""log erfc(x) + x^2 as a polynomial in x from 1 to the limit."""


def polynomial(x: Lanes, coefficients: tuple[float, ...]) -> Lanes:
    """Horner's rule, the highest power first."""
    value = x.like(coefficients[0])
    for c in coefficients[1:]:
        value = fma(value, x, c)
    return value


def _power_of_two(whole: Lanes, kind: str) -> Lanes:
    """2^n for whole lanes within the exponent's range."""
    return ((whole + BIAS[kind]) << MANTISSA[kind]).bits(kind).exact()


def _clamp(x: Lanes, low: float, high: float) -> Lanes:
    """X held within bounds; NaN stays."""
    x = select(x < low, x.like(low), x)
    return select(x > high, x.like(high), x)


def exp(x: Lanes) -> Lanes:
    """Exponential: 2^n e^r with r in [-ln2 / 2, ln2 / 2]."""
    kind, x = x.kind, x.exact()
    x = _clamp(x, *EXP_RANGE[kind])
    shifted = fma(x, LOG2E, MAGIC[kind])
    n = shifted - MAGIC[kind]
    high, low = LN2[kind]
    r = fma(n, -low, fma(n, -high, x))
    tail = polynomial(r, EXP_F32 if kind == "f32" else EXP_F64) * r * r
    # 1 + r rounded, and what the rounding lost: without it the error of sigmoid exceeds 2 ulp
    sum_ = r + 1.0
    value = sum_ + (tail + (r - (sum_ - 1.0)))
    whole = shifted.bits(WHOLE[kind]) - x.like(MAGIC[kind]).bits(WHOLE[kind])
    half = whole >> 1
    return (value * _power_of_two(half, kind) * _power_of_two(whole - half, kind)).relaxed()


def log(x: Lanes) -> Lanes:
    """Natural logarithm: k ln 2 + log m with m in [sqrt(1/2), sqrt 2)."""
    kind, x = x.kind, x.exact()
    bits = x.bits(WHOLE[kind])
    # the bits of sqrt(1/2) are taken off, so that the exponent field changes at sqrt(1/2), not at 1
    offset = x.like(0.7071067811865476).bits(WHOLE[kind])
    k = (bits - offset) >> MANTISSA[kind]
    m = (bits - (k << MANTISSA[kind])).bits(kind).exact()
    k_real = convert(k if kind == "f32" else convert(k, "i32"), kind).exact()
    f = m - 1.0
    value = _log_f32(f, k_real) if kind == "f32" else _log_f64(f, k_real)
    value = select(x.equals(float("inf")), x, value)
    value = select(x.equals(0.0), x.like(float("-inf")), value)
    return select((x >= 0.0), value, x.like(float("nan"))).relaxed()


def _log_f32(f: Lanes, k: Lanes) -> Lanes:
    z = f * f
    high, low = LN2["f32"]
    y = polynomial(f, LOG_F32) * f * z
    y = fma(k, low, y)
    y = fma(z, -0.5, y)
    return fma(k, high, f + y)


def _log_f64(f: Lanes, k: Lanes) -> Lanes:
    s = f / (f + 2.0)
    z = s * s
    r = polynomial(z, LOG_F64) * z
    half = f * f * 0.5
    high, low = LN2["f64"]
    return k * high - ((half - (s * (half + r) + k * low)) - f)


def tanh(x: Lanes) -> Lanes:
    """Hyperbolic tangent: a polynomial near 0, 1 - 2 / (e^2|x| + 1) beyond."""
    kind, x = x.kind, x.exact()
    size = L.absolute(x)
    z = x * x
    if kind == "f32":
        near = fma(polynomial(z, TANH_F32) * z, x, x)
    else:
        near = fma(polynomial(z, TANH_P) / polynomial(z, TANH_Q) * z, x, x)
    far = 1.0 - 2.0 / (exp(size + size).exact() + 1.0)
    far = select(x < 0.0, -far, far)
    return select(size < 0.625, near, far).relaxed()


def sigmoid(x: Lanes) -> Lanes:
    """1 / (1 + e^-x), with one correction for what 1 + e rounded away."""
    x = x.exact()
    # held where e is finite: the correction would make NaN of 0 x inf
    e = exp(_clamp(-x, -100.0, SIGMOID_LIMIT[x.kind])).exact()
    sum_ = e + 1.0
    value = 1.0 / sum_
    lost = select(e < 1.0, e - (sum_ - 1.0), 1.0 - (sum_ - e))
    error = fma(-sum_, value, 1.0) - lost * value
    return fma(value, error, value).relaxed()


def erf(x: Lanes) -> Lanes:
    """Error function: a polynomial below 1, 1 - e^(p(|x|) - x^2) beyond."""
    kind, x = x.kind, x.exact()
    z = x * x
    near = fma(polynomial(z, ERF_NEAR[kind]), x, x)
    size = _clamp(L.absolute(x), 1.0, ERF_LIMIT[kind])
    far = 1.0 - exp(fma(-size, size, polynomial(size, ERF_FAR[kind]))).exact()
    far = select(x < 0.0, -far, far)
    return select(z < 1.0, near, far).relaxed()


def _quarters(x: Lanes) -> tuple[Lanes, Lanes]:
    """R in [-pi/4, pi/4] (f64) and the whole q with x = r + q pi/2; good below 2^30 quarters or so."""
    shifted = fma(x, 2 / 3.141592653589793, MAGIC["f64"])
    n = shifted - MAGIC["f64"]
    r = fma(n, -HALF_PI[0], x)
    return fma(n, -HALF_PI[1], r), shifted.bits("i64")


def _sine(x: Lanes, ahead: int) -> Lanes:
    """sin(x + ahead pi / 2); float32 is reduced in float64."""
    kind = x.kind
    r, q = _quarters(convert(x, "f64").exact())
    r, q = convert(r, kind).exact(), convert(q, WHOLE[kind]) + ahead
    z = r * r
    if kind == "f32":
        sine = fma(polynomial(z, SIN_F32) * z, r, r)
        cosine = fma(polynomial(z, COS_F32) * z, z, fma(z, -0.5, 1.0))
    else:
        sine = fma(polynomial(z, SIN_F64) * z, r, r)
        cosine = fma(polynomial(z, COS_F64) * z, z, fma(z, -0.5, 1.0))
    value = select((q & 1).differs(0), cosine, sine)
    return select((q & 2).differs(0), -value, value).relaxed()


def sin(x: Lanes) -> Lanes:
    """Sine."""
    return _sine(x, 0)


def cos(x: Lanes) -> Lanes:
    """Cosine."""
    return _sine(x, 1)


def power(x: Lanes, y: Lanes) -> Lanes:
    """X to the y = sign e^(y log |x|), as C's ``pow``; float32 goes through float64.

    In float64 the relative error grows with the size of y log x: some 1e-14 at 100.
    """
    kind = x.kind
    wide_x, wide_y = convert(x, "f64").exact(), convert(y, "f64").exact()
    size = exp(wide_y * log(L.absolute(wide_x)).exact()).exact()
    whole = L.floor(wide_y).equals(wide_y)
    half = wide_y * 0.5
    odd = whole & L.floor(half).differs(half)
    signed = select(odd, -size, size)
    nan = size.like(float("nan"))
    defined = whole | ~L.isfinite(wide_x)
    negative = select(defined, signed, nan)
    # by the sign's bit: an odd power of -0 is negative too
    value = select((wide_x.bits("i64") < 0) & (wide_x.differs(0.0) | odd), negative, size)
    one = size.like(1.0)
    value = select(wide_y.equals(0.0) | wide_x.equals(1.0), one, value)
    return convert(value, kind).relaxed()


__all__ = ["cos", "erf", "exp", "log", "polynomial", "power", "sigmoid", "sin", "sqrt", "tanh"]
