"""Pachyderm's tutorial path with nothing but pachyderm_sdk: the same script for a laptop and a cluster.

Create repos and pipelines, put files, wait, read the output, list datums, read logs, change one file and see
that only its datum runs again. The server is $PACHD_ADDRESS, by default 127.0.0.1:30650 (`forewarn up`).
"""

import os
from pathlib import Path

from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs, pps

HERE = Path(__file__).parent
BOOKS = {
    "/hamlet.txt": b"To be, or not to be, that is the question",
    "/macbeth.txt": b"Tomorrow, and tomorrow, and tomorrow, creeps in this petty pace",
    "/lear.txt": b"Nothing will come of nothing: speak again",
}


def main() -> None:
    """Run the tutorial from an empty start to the second job."""
    client = Client.from_pachd_address(os.environ.get("PACHD_ADDRESS", "127.0.0.1:30650"))
    clean_up(client)

    books = pfs.Repo(name="books", type="user", project=pfs.Project(name="default"))
    code = pfs.Repo(name="code", type="user", project=pfs.Project(name="default"))
    for repo in (books, code):
        client.pfs.create_repo(repo=repo, description="tutorial")

    # Code is data too: a change to it is a commit, and runs what depends on it.
    with client.pfs.commit(branch=pfs.Branch(repo=code, name="master")) as commit:
        commit.put_file_from_bytes(path="/wordcount.py", data=(HERE / "wordcount.py").read_bytes())

    # One pipeline from a JSON spec, as `pachctl create pipeline -f` does; one from the SDK's own messages.
    client.pps.create_pipeline_v2(create_pipeline_request_json=(HERE / "wordcount.json").read_text())
    client.pps.create_pipeline(
        pipeline=pps.Pipeline(name="total"),
        description="Adds the counts up.",
        transform=pps.Transform(
            image="python:3.12-slim",
            cmd=["sh"],
            stdin=["cat /pfs/wordcount/*.csv | awk -F, '{ n += $2 } END { print n }' > /pfs/out/words"],
        ),
        input=pps.Input(pfs=pps.PfsInput(repo="wordcount", glob="/")),
    )

    with client.pfs.commit(branch=pfs.Branch(repo=books, name="master")) as first:
        for path, text in BOOKS.items():
            first.put_file_from_bytes(path=path, data=text)
    show(client, first)

    with client.pfs.commit(branch=pfs.Branch(repo=books, name="master")) as second:
        second.put_file_from_bytes(path="/lear.txt", data=b"Blow, winds, and crack your cheeks! rage! blow!")
    show(client, second)


def show(client: Client, commit: pfs.Commit) -> None:
    """Wait until everything downstream of `commit` is done, and print what came of it."""
    client.pfs.wait_commit_set(pfs.CommitSet(id=commit.id))
    print(f"\ncommit {commit.id}")
    for info in client.pps.inspect_job_set(job_set=pps.JobSet(id=commit.id), wait=True):
        job = info.job
        state = pps.JobState(info.state).name
        print(f"  {job.pipeline.name}: {state}, {info.data_processed} processed, {info.data_skipped} skipped")
        for datum in client.pps.list_datum(job=job):
            paths = ", ".join(file.file.path for file in datum.data)
            print(f"    datum {datum.datum.id[:12]} {pps.DatumState(datum.state).name:8} {paths}")
        for line in client.pps.get_logs(job=job):
            if line.user:
                print(f"    log: {line.message}")
    with client.pfs.pfs_file(pfs.File.from_uri("wordcount@master:/lear.csv")) as file:
        print(f"  lear.csv: {file.read().decode().split()}")
    with client.pfs.pfs_file(pfs.File.from_uri("total@master:/words")) as file:
        print(f"  words in all: {file.read().decode().strip()}")


def clean_up(client: Client) -> None:
    """Remove what an earlier run left, pipelines before the repos they read."""
    for name in ("total", "wordcount"):
        if client.pps.pipeline_exists(pps.Pipeline(name=name)):
            client.pps.delete_pipeline(pipeline=pps.Pipeline(name=name))
    for name in ("books", "code"):
        repo = pfs.Repo(name=name, type="user", project=pfs.Project(name="default"))
        if client.pfs.repo_exists(repo):
            client.pfs.delete_repo(repo=repo)


if __name__ == "__main__":
    main()
