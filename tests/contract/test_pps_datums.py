"""Datums: how inputs are cut, what is skipped, what becomes of outputs."""

from typing import Any

from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs, pps

World = Any

LIST = """
cd /pfs
for d in in a b; do [ -d $d ] && find $d -type f | sort; done > /tmp/$PACH_DATUM_ID
mv /tmp/$PACH_DATUM_ID /pfs/out/
"""
STATE = pps.JobState


def seen(world: World, pipeline: str) -> list[list[str]]:
    """The input files each datum saw below /pfs."""
    lists = [data.decode().split() for data in world.files(pipeline).values()]
    return sorted(lists)


def test_glob_slash_is_one_datum_of_the_whole_repo(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/"), LIST)
    assert world.last(pipeline).data_total == 0
    world.push(repo, {"/a/x": b"1", "/b": b"2"})
    assert seen(world, pipeline) == [["in/a/x", "in/b"]]
    assert world.datums(world.last(pipeline)) == {"/": "SUCCESS"}


def test_glob_star_is_one_datum_per_top_level_entry(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"), LIST)
    world.push(repo, {"/a/x": b"1", "/a/y": b"1", "/b": b"2"})
    assert seen(world, pipeline) == [["in/a/x", "in/a/y"], ["in/b"]]


def test_glob_star_star_is_one_datum_per_robot_day(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*/*"), LIST)
    world.push(repo, {"/d1/r1.zip": b"1", "/d1/r2.zip": b"1", "/d2/r1.zip": b"2", "/top": b"3"})
    assert seen(world, pipeline) == [["in/d1/r1.zip"], ["in/d1/r2.zip"], ["in/d2/r1.zip"]]


def two(world: World, kind: str, a: dict[str, Any], b: dict[str, Any]) -> tuple[str, str, str]:
    left, right = world.repo("left"), world.repo("right")
    world.push(left, {"/1.x": b"1", "/2.x": b"2"})
    world.push(right, {"/2.y": b"2", "/3.y": b"3"})
    inputs = {kind: [{"pfs": {"name": "a", "repo": left, "glob": "/(*).x", **a}}]}
    inputs[kind].append({"pfs": {"name": "b", "repo": right, "glob": "/(*).y", **b}})
    return left, right, world.pipeline(kind, inputs, LIST)


def test_cross_is_the_product(world: World) -> None:
    *_, pipeline = two(world, "cross", {}, {})
    assert seen(world, pipeline) == [
        ["a/1.x", "b/2.y"], ["a/1.x", "b/3.y"], ["a/2.x", "b/2.y"], ["a/2.x", "b/3.y"],
    ]  # fmt: skip


def test_union_is_the_concatenation(world: World) -> None:
    *_, pipeline = two(world, "union", {}, {})
    assert seen(world, pipeline) == [["a/1.x"], ["a/2.x"], ["b/2.y"], ["b/3.y"]]


def test_join_matches_capture_groups(world: World) -> None:
    *_, pipeline = two(world, "join", {"join_on": "$1"}, {"join_on": "$1"})
    assert seen(world, pipeline) == [["a/2.x", "b/2.y"]]


def test_outer_join_keeps_partial_matches(world: World) -> None:
    *_, pipeline = two(world, "join", {"join_on": "$1", "outer_join": True}, {"join_on": "$1"})
    assert seen(world, pipeline) == [["a/1.x"], ["a/2.x", "b/2.y"]]


def test_group_makes_one_datum_per_key(world: World) -> None:
    *_, pipeline = two(world, "group", {"group_by": "$1"}, {"group_by": "$1"})
    assert seen(world, pipeline) == [["a/1.x"], ["a/2.x", "b/2.y"], ["b/3.y"]]


def test_a_join_reruns_only_the_pairs_that_changed(world: World) -> None:
    left, _, pipeline = two(
        world, "join", {"join_on": "$1", "outer_join": True}, {"join_on": "$1", "outer_join": True}
    )
    world.push(left, {"/2.x": b"changed"})
    assert world.datums(world.last(pipeline)) == {
        "/1.x": "SKIPPED",
        "/2.x+/2.y": "SUCCESS",
        "/3.y": "SKIPPED",
    }


def test_cron_commits_an_empty_file_named_by_time(world: World, client: Client) -> None:
    inputs = {"cron": {"name": "in", "spec": "0 0 1 1 *"}}
    pipeline = world.pipeline("p", inputs, "ls /pfs/in > /pfs/out/tick-$PACH_DATUM_ID")
    world.pipelines[-1] = pipeline
    client.pps.run_cron(pipeline=pps.Pipeline(name=pipeline))
    assert world.last(pipeline).data_total == 1
    ((_, tick),) = world.files(pipeline).items()
    assert tick.decode().strip().endswith("Z")
    assert list(world.files(f"{pipeline}_in").values()) == [b""]


def test_an_unchanged_datum_is_skipped(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"))
    world.push(repo, {"/a": b"1", "/b": b"2"})
    world.push(repo, {"/b": b"22", "/c": b"3"})
    job = world.last(pipeline)
    assert world.datums(job) == {"/a": "SKIPPED", "/b": "SUCCESS", "/c": "SUCCESS"}
    assert (job.data_total, job.data_processed, job.data_skipped) == (3, 2, 1)
    assert world.files(pipeline) == {"/a": b"1", "/b": b"22", "/c": b"3"}


def test_a_datums_hash_covers_the_inputs_name_and_branch(world: World, client: Client, reads: Any) -> None:
    repo = world.repo()
    world.push(repo, {"/a": b"1"})
    script = "cp /pfs/*/a /pfs/out/a 2>/dev/null || cp /pfs/in/a /pfs/out/a"
    pipeline = world.pipeline("p", reads(repo, "/*"), script)
    client.pfs.create_branch(
        branch=pfs.Branch.from_uri(f"{repo}@side"), head=pfs.Commit.from_uri(f"{repo}@master")
    )
    for more in ({"branch": "side"}, {"branch": "side", "name": "other"}):
        world.pipeline(pipeline, reads(repo, "/*", **more), script, update=True)
        assert world.datums(world.last(pipeline)) == {"/a": "SUCCESS"}
        assert world.files(pipeline) == {"/a": b"1"}


def test_pushing_the_same_again_runs_nothing(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"))
    first = world.push(repo, {"/a": b"1", "/b": b"2"})
    second = world.push(repo, {"/a": b"1", "/b": b"2"})
    job = world.last(pipeline)
    assert first.commit.id != second.commit.id == job.job.id
    assert (job.data_processed, job.data_skipped, job.state) == (0, 2, STATE.JOB_SUCCESS)


def test_a_moved_file_is_a_new_datum(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"))
    world.push(repo, {"/a": b"1"})
    world.push(repo, {"/a": None, "/b": b"1"})
    assert world.datums(world.last(pipeline)) == {"/b": "SUCCESS"}
    assert world.files(pipeline) == {"/b": b"1"}


def test_a_changed_spec_alone_does_not_rerun_old_datums(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"))
    world.push(repo, {"/a": b"1"})
    world.pipeline(pipeline, reads(repo, "/*"), "echo new > /pfs/out/$(basename $in)", update=True)
    assert world.datums(world.last(pipeline)) == {"/a": "SKIPPED"}
    world.push(repo, {"/b": b"2"})
    assert world.files(pipeline) == {"/a": b"1", "/b": b"new\n"}


def test_reprocess_gives_a_new_salt(world: World, client: Client, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"))
    world.push(repo, {"/a": b"1"})
    salts = {client.pps.inspect_pipeline(pipeline=pps.Pipeline(name=pipeline), details=True).details.salt}
    script = "echo new > /pfs/out/$(basename $in)"
    world.pipeline(pipeline, reads(repo, "/*"), script, update=True, reprocess=True)
    assert world.datums(world.last(pipeline)) == {"/a": "SUCCESS"}
    assert world.files(pipeline) == {"/a": b"new\n"}
    salts.add(client.pps.inspect_pipeline(pipeline=pps.Pipeline(name=pipeline), details=True).details.salt)
    assert len(salts) == 2


def test_reprocess_spec_every_job_never_skips(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"), reprocess_spec="every_job")
    world.push(repo, {"/a": b"1"})
    world.push(repo, {"/b": b"2"})
    assert world.datums(world.last(pipeline)) == {"/a": "SUCCESS", "/b": "SUCCESS"}


def test_rerun_pipeline_makes_a_job_and_reprocesses_when_told(
    world: World, client: Client, reads: Any
) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"))
    world.push(repo, {"/a": b"1"})
    client.pps.rerun_pipeline(pipeline=pps.Pipeline(name=pipeline))
    assert world.datums(world.last(pipeline)) == {"/a": "SKIPPED"}
    client.pps.rerun_pipeline(pipeline=pps.Pipeline(name=pipeline), reprocess=True)
    assert world.datums(world.last(pipeline)) == {"/a": "SUCCESS"}


def test_restart_datum_runs_only_the_chosen_ones_again(world: World, client: Client, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"))
    world.push(repo, {"/a": b"1", "/b": b"2"})
    client.pps.restart_datum(job=world.last(pipeline).job, data_filters=["/b"])
    assert world.datums(world.last(pipeline)) == {"/a": "SKIPPED", "/b": "SUCCESS"}


def test_a_vanished_input_takes_its_outputs_along(world: World, reads: Any) -> None:
    repo = world.repo()
    script = "mkdir /pfs/out/d; for n in 1 2; do cp $in /pfs/out/d/$(basename $in)-$n; done"
    pipeline = world.pipeline("p", reads(repo, "/*"), script)
    world.push(repo, {"/a": b"1", "/b": b"2"})
    world.push(repo, {"/a": None})
    assert world.files(pipeline) == {"/d/b-1": b"2", "/d/b-2": b"2"}
    assert world.last(pipeline).data_total == 1


def test_a_changed_datum_replaces_its_outputs(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"), "cp $in /pfs/out/$(cat $in)")
    world.push(repo, {"/a": b"first", "/b": b"other"})
    world.push(repo, {"/a": b"second"})
    assert world.files(pipeline) == {"/other": b"other", "/second": b"second"}


def test_two_datums_writing_one_path_fail_the_job(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"), "cp $in /pfs/out/same; cp $in /pfs/out/$(basename $in)")
    world.push(repo, {"/a": b"1", "/b": b"2"})
    job = world.last(pipeline)
    assert job.state == STATE.JOB_FAILURE
    assert "/same" in job.reason


def test_a_new_datum_writing_an_old_path_fails_the_job_and_a_deletion_heals_it(
    world: World, reads: Any
) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"), "cp $in /pfs/out/same")
    world.push(repo, {"/a": b"1"})
    world.push(repo, {"/b": b"2"})
    assert world.last(pipeline).state == STATE.JOB_FAILURE
    world.push(repo, {"/a": None})
    assert world.last(pipeline).state == STATE.JOB_SUCCESS
    assert world.files(pipeline) == {"/same": b"2"}


def test_datums_may_share_directories(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"), "mkdir -p /pfs/out/x/y; cp $in /pfs/out/x/y/")
    world.push(repo, {"/a": b"1", "/b": b"2"})
    assert world.files(pipeline) == {"/x/y/a": b"1", "/x/y/b": b"2"}


def test_list_datum_of_an_input_before_there_is_a_pipeline(world: World, client: Client) -> None:
    repo = world.repo()
    world.push(repo, {"/a": b"1", "/b/c": b"2"})
    given = pps.Input(pfs=pps.PfsInput(repo=repo, glob="/*"))
    datums = list(client.pps.list_datum(input=given))
    assert [datum.data[0].file.path for datum in datums] == ["/a", "/b/"]
    batches = client.pps.generate_datums(given, 1)
    assert [datum.data[0].file.path for datum in next(batches)] == ["/a"]
    assert [datum.data[0].file.path for datum in next(batches)] == ["/b/"]


def test_list_datum_filters_pages_and_inspects(world: World, client: Client, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"))
    world.push(repo, {"/a": b"1", "/b": b"2"})
    world.push(repo, {"/c": b"3", "/d": b"4"})
    job = world.last(pipeline).job
    wanted = pps.ListDatumRequestFilter(state=[pps.DatumState.SUCCESS])
    ran = list(client.pps.list_datum(job=job, filter=wanted))
    assert [datum.data[0].file.path for datum in ran] == ["/c", "/d"]
    assert [d.datum.id for d in client.pps.list_datum(job=job, number=1)] != []
    after = list(client.pps.list_datum(job=job, pagination_marker=ran[0].datum.id))
    assert [datum.datum.id for datum in after] == [ran[1].datum.id]
    info = client.pps.inspect_datum(datum=ran[0].datum)
    assert info.state == pps.DatumState.SUCCESS
    assert info.stats.download_bytes == 1
    assert (
        info.data[0].hash
        == client.pfs.inspect_file(
            file=pfs.File(commit=pfs.Commit.from_uri(f"{repo}@master"), path="/c")
        ).hash
    )
