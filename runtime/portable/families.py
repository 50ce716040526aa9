"""Imports every module that registers a portable launcher."""

from runtime.portable import correlation, gather, nms, patches, roi_pool, sample, top_k  # noqa: F401
