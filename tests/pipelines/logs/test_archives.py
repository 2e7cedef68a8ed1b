"""Archives and files of messages: what is damaged or hostile costs itself, and nothing is lost."""

import gzip
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from conftest import balanced, packed, reasons, settings, zipped  # type: ignore[import-not-found]

from pipelines.logs.extract import Extraction, extract

Read = Callable[..., Extraction]
