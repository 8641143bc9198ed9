from training.reports.guard_section import guard_section, three_answers_section


def estimate(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1}


def judged(accepted: float, refused: float) -> dict[str, object]:
    outcomes = {"accepted": accepted, "unfamiliar": 1 - accepted - refused, "refused": refused}
    return {"images": 1462, **{name: estimate(round(value, 3)) for name, value in outcomes.items()}, "reasons": {}}


def test_every_set_is_a_row_with_its_interval_and_what_should_be_refused_stands_apart() -> None:
    lines = guard_section(
        {
            "subject": "a film",
            "test": judged(0.6, 0.2),
            "own": {"adults": {"auroc": 0.75, **judged(0.25, 0.0)}},
            "foreign": {"noise": {"auroc": 1.0, **judged(0.0, 1.0)}},
        }
    ).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert (
        rows[2] == "| test split | 1,462 | 60.0 % (50.0 to 70.0) | 20.0 % (10.0 to 30.0) | 20.0 % (10.0 to 30.0) |  |"
    )
    assert rows[3].startswith("| adults | 1,462 | 25.0 %") and rows[3].endswith("| 0.750 |")
    assert rows[4].startswith("| **should be refused**")
    assert rows[5].startswith("| noise |") and rows[5].endswith("| 1.000 |")


def test_answers_without_an_image_are_called_none() -> None:
    found = {name: estimate(0.9) for name in ("answered", "sensitivity", "accuracy", "aurc")}
    text = three_answers_section("pneumonia", {"test": {**found, "specificity": None, "aurc_random": 0.125}})
    assert '"no sign of pneumonia"' in text
    assert text.splitlines()[-1].startswith("| test | 0.900")
    assert "| none |" in text and text.endswith("| 0.125 |")
