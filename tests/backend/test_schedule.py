from backend.clients.queue import JobQueue
from backend.schedule import Periodic, run_schedule, table
from backend.settings import Settings
from tests.conftest import settings_in


class Recorder(JobQueue):
    """A bell that notes when it was rung; Redis is away at the times given."""

    def __init__(self, away: set[float], clock: list[float]):
        super().__init__("redis://nowhere")
        self.away, self.clock, self.rung = away, clock, []

    def ring(self, queue, job, *args, job_id=None, after=None):
        self.rung.append((self.clock[0], job, job_id))
        return self.clock[0] not in self.away


def test_each_kind_is_rung_at_once_and_then_at_its_own_pace_whatever_redis_does():
    clock = [0.0]
    bell = Recorder({2.0}, clock)

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    work = [Periodic("a", 2), Periodic("b", 3)]
    run_schedule(bell, work, clock=lambda: clock[0], sleep=sleep, rounds=5)
    assert bell.rung == [
        (0, "a", "periodic-a"),
        (0, "b", "periodic-b"),
        (2, "a", "periodic-a"),
        (3, "b", "periodic-b"),
        (4, "a", "periodic-a"),
        (6, "a", "periodic-a"),
        (6, "b", "periodic-b"),
    ]


def test_the_table_follows_the_settings(settings: Settings, tmp_path):
    changed = settings_in(tmp_path, tick_every=2, sync_every=900)
    assert [(one.job, one.every) for one in table(changed)] == [
        ("backend.jobs.tick", 2),
        ("backend.jobs.sync_projects", 900),
        ("backend.jobs.clean_up_projects", 900),
    ]
