"""A ROS 2 bag's `metadata.yaml`: which files it has, how many messages, and how they are encoded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pipelines.logs.archives.unpack import Unreadable

METADATA: Final = "metadata.yaml"
ROOT: Final = "rosbag2_bagfile_information"


@dataclass(frozen=True)
class BagMetadata:
    """`messages` is None where the file does not tell; `encodings` is by topic."""

    files: tuple[str, ...] = ()
    messages: int | None = None
    encodings: Mapping[str, str] = field(default_factory=dict)


def parse_metadata(raw: bytes) -> BagMetadata:
    """Read the file's content. Raises Unreadable with metadata_invalid."""
    import yaml

    try:
        told = yaml.load(raw, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))[ROOT]  # noqa: S506
        topics = [topic["topic_metadata"] for topic in told.get("topics_with_message_count") or ()]
        count = told.get("message_count")
        return BagMetadata(
            tuple(_file_name(name) for name in told.get("relative_file_paths") or ()),
            count if type(count) is int and 0 <= count < 2**48 else None,
            {str(topic["name"]): str(topic["serialization_format"]) for topic in topics},
        )
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise Unreadable("metadata_invalid", f"{METADATA}: {error!r}"[:200]) from error


def _file_name(told: Any) -> str:
    """The file's own name: some writers put the bag's folder before it."""
    return str(told).rpartition("/")[2]
