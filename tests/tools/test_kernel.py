import papermill
import pytest

from course_tools.run import kernel

DIED = "Kernel died before replying to kernel_info"


@pytest.mark.parametrize(("message", "tries"), [(DIED, kernel.STARTS), ("another fault", 1)])
def test_only_a_start_that_failed_is_tried_again(tmp_path, monkeypatch, capsys, message, tries):
    starts = []

    def fail(*paths, **options):
        starts.append(options["kernel_name"])
        raise RuntimeError(message)

    monkeypatch.setattr(papermill, "execute_notebook", fail)
    assert not kernel.execute(tmp_path / "a.ipynb", tmp_path / "out.ipynb", {})
    assert starts == ["python3"] * tries
    assert message in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_start_that_works_the_second_time_is_enough(course, tmp_path, monkeypatch):
    starts = []
    execute = papermill.execute_notebook

    def fail_once(*paths, **options):
        starts.append(paths)
        if len(starts) == 1:
            raise RuntimeError(DIED)
        return execute(*paths, **options, prepare_only=True)

    monkeypatch.setattr(papermill, "execute_notebook", fail_once)
    out = tmp_path / "{braces}.ipynb"
    assert kernel.execute(course / "notebooks" / "01_tiny.ipynb", out, {"SEED": 1})
    assert len(starts) == 2
    assert sorted(path.name for path in out.parent.glob("{braces}*")) == ["{braces}.html", "{braces}.ipynb"]
