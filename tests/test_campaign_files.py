"""Campaign files as their authors meet them: the examples are sound, and every mistake is named with place and cure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.campaign_files import LARGEST_FILE, json_schema, load, load_folder, parse
from dialer.core.campaign import MachineReaction, Purpose
from dialer.errors import CampaignFileError

EXAMPLES = Path(__file__).parents[1] / "campaigns"
SOUND = """\
campaign: test
title: Test
language: en
purpose: service
company: Acme
hotline: "12345"
fields:
  expiry: date
  spent: number
  product: text
who:
  all:
    - { field: expiry, within: 40 days }
    - { field: spent, at_least: 5 }
    - { field: product, is: car }
why_now:
  due: { field: expiry, offset: -40 days }
  deadline: 3 days
when:
  windows:
    mon-fri: [09:00-12:00, 13:00-20:00]
    sat: 10:00-18:00
  closed: [2026-12-25]
priority:
  tiers: { vip: 1 day }
attempts:
  most: 4
  within: 10 days
  ring: 25 s
  longest_call: 4 min
  other_hour: true
  retry:
    - { after: busy, attempt: 1, wait: 20 min }
    - { after: hung_up, stop: true }
caller_id: "+18005550100"
answering_machine:
  reaction: leave_message
  message: Hello {name}, call {hotline}.
script:
  start: greeting
  nodes:
    greeting:
      say: Hello {name|there}, this is {company}.
      next: question
    question:
      ask: Press 1 for yes.
      keys:
        "1": { go: bye, answer: yes please, outcome: happy }
        2: later
        "9": stop
      repeat: 1
      no_answer: silent
      wait: 5 s
    later:
      offer_time: When?
      choices:
        "1": tomorrow 10:00
      next: sort
      no_answer: silent
    sort:
      branch: { answer: question, is: yes please }
      then: bye
      else: silent
    bye:
      end: Goodbye.
    silent:
      end: Farewell.
    stop:
      opt_out: Never again.
outcomes:
  happy: { label: Happy, counts_as: completed }
"""


def complaints(folder: Path, text: str | bytes) -> list[str]:
    """What is said about a file; empty when it is sound."""
    path = folder / "renewal.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    try:
        load(path, ("telecom_day", "spring_festival"))
    except CampaignFileError as error:
        return [str(problem).replace(f"{folder}/", "") for problem in error.problems]
    return []


def replaced(old: str, new: str) -> str:
    assert SOUND.count(old) >= 1, old
    return SOUND.replace(old, new, 1)


def test_a_campaign_may_hang_on_a_special_day(tmp_path: Path) -> None:
    assert complaints(tmp_path, replaced("due: { field: expiry,", "due: { special_day: telecom_day,")) == []


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_examples_are_sound_lessons(path: Path) -> None:
    loaded = load(path)
    assert loaded.campaign.id == path.stem
    text = path.read_text(encoding="utf-8")
    assert "LESSON" in text
    assert text.count("#") >= 8, "an example explains itself"
    assert parse(loaded.document) == loaded.campaign
    assert parse(json.loads(json.dumps(loaded.document))) == loaded.campaign, "as it comes out of the database"


def test_the_examples_are_the_four_that_the_handbook_asks_for_and_one_with_agents() -> None:
    loaded = {one.campaign.id: one.campaign for one in load_folder(EXAMPLES)}
    staffed = {name for name, one in loaded.items() if one.agents is not None}
    assert staffed == {"renewal_with_agents"}
    four = {"insurance_renewal", "holiday_followup", "complaint_followup", "satisfaction_survey"}
    assert set(loaded) == four | staffed
    assert loaded["complaint_followup"].language == "zh-CN"
    assert loaded["complaint_followup"].why_now.deadline.days == 3
    assert loaded["insurance_renewal"].why_now.due.offset.days == -40
    assert loaded["satisfaction_survey"].purpose is Purpose.SURVEY
    assert loaded["holiday_followup"].when.closed
    assert all(any(day) for one in loaded.values() for day in one.when.hours.week), "callable on every weekday"


def test_a_sound_file_is_read_whole(tmp_path: Path) -> None:
    assert complaints(tmp_path, SOUND) == []
    loaded = load(tmp_path / "renewal.yaml")
    assert loaded.campaign.answering_machine.reaction is MachineReaction.LEAVE_MESSAGE
    assert loaded.document["script"]["nodes"]["question"]["keys"]["2"] == "later", "a key is text however it is written"
    assert loaded.document["when"]["closed"] == ["2026-12-25"], "the document can be kept as JSON"


def test_comments_layout_and_order_do_not_change_the_version(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(SOUND)
    first = load(path).version
    head, rest = SOUND.split("title: Test\n")
    path.write_text(f"# a comment\n{rest}\ntitle:   Test # another\n{head}")
    assert load(path).version == first
    path.write_text(replaced("most: 4", "most: 5"))
    assert load(path).version != first


MISTAKES = [
    # keys and what they hold
    ("most: 4", "mots: 4", ":27 attempts.mots: unknown key 'mots' (did you mean 'most'?)"),
    ("title: Test", "titel: Test", ":2 titel: unknown key 'titel' (did you mean 'title'?)"),
    ("title: Test\n", "", ":1 title: 'title' is missing (add it: What people call it.)"),
    ("title: Test", "title:", ":2 title: nothing is said here (fill it in, or remove the key)"),
    ("title: Test", "title: ''", ":2 title: nothing is said here (expected at least one entry)"),
    ("title: Test", "title: 5", ":2 title: '5' is no text (expected text: put it in quotes)"),
    ("campaign: test", "campaign: My Test", ":1 campaign: 'My Test' is not of the right form (expected small letters"),
    ("language: en", "language: english_uk", ":3 language: 'english_uk' is not of the right form (expected a language"),
    ("purpose: service", "purpose: servce", ":4 purpose: 'servce' is not known here (did you mean 'service'?)"),
    ('hotline: "12345"', "hotline: 12345", ":6 hotline: '12345' is no text (expected text: put it in quotes)"),
    ("most: 4", "most: '4'", ":27 attempts.most: '4' is no whole number (expected a whole number"),
    ("most: 4", "most: 4.0", ":27 attempts.most: '4.0' is no whole number"),
    ("most: 4", "most: true", ":27 attempts.most: 'True' is no whole number"),
    ("most: 4", "most: 0", ":27 attempts.most: 0 is too little (expected at least 1)"),
    ("most: 4", "most: 400", ":27 attempts.most: 400 is too much (expected at most 50)"),
    ("other_hour: true", "other_hour: yes", ":31 attempts.other_hour: 'yes' is neither true nor false"),
    ("  most: 4", "  most: 4\n  most: 5", ":28 attempts.most: 'most' is said twice, first in line 27 (keep one"),
    ("tiers: { vip: 1 day }", "tiers: 5", ":25 priority.tiers: '5' stands where keys are expected"),
    (
        'caller_id: "+18005550100"',
        'caller_id: "0800 55"',
        ":35 caller_id: '0800 55' is not of the right form (expected a",
    ),
    # durations, times, dates
    ("ring: 25 s", "ring: 25", ":29 attempts.ring: 25 has no unit (expected a number and a unit"),
    ("ring: 25 s", "ring: '25'", ":29 attempts.ring: '25' has no unit"),
    ("ring: 25 s", "ring: soon", ":29 attempts.ring: 'soon' is no duration"),
    ("ring: 25 s", "ring: 14 s", ":29 attempts.ring: 14 s is too little (expected between 15 s and 1 min)"),
    ("longest_call: 4 min", "longest_call: 4 h", ":30 attempts.longest_call: 4 h is too much (expected between 30 s"),
    ("wait: 5 s", "wait: 5 min", ":53 script.nodes.question.wait: 5 min is too much"),
    ("09:00-12:00", "9-12", ":21 when.windows.mon-fri[1]: '9-12' is no range of the day (expected HH:MM-HH:MM"),
    ("sat: 10:00-18:00", "saturday: 10:00-18:00", ":22 when.windows.saturday: unknown key 'saturday'"),
    ("sat: 10:00-18:00", "fri: 10:00-18:00", ":20 when.windows: 'fri' and 'mon-fri' both say when fri is"),
    ("closed: [2026-12-25]", "closed: [2026-02-30]", ":23 when.closed[1]: '2026-02-30' is no date (expected"),
    ("closed: [2026-12-25]", "closed: 2026-12-25", ":23 when.closed: '2026-12-25' is no list"),
    ("closed: [2026-12-25]", "starts: 2026-12-02\n  ends: 2026-12-01", ":19 when: 'ends' lies before 'starts'"),
    # who and why now
    ("within: 40 days }", "withn: 40 days }", ":13 who.all[1].withn: unknown key 'withn' (did you mean 'within'?)"),
    (
        "{ field: expiry, within",
        "{ field: expiri, within",
        ":13 who.all[1].field: customers have no field 'expiri' (did",
    ),
    (
        "{ field: spent, at_least: 5 }",
        "{ field: spent, within: 5 days }",
        "'within' does not fit 'spent', which holds a number",
    ),
    (
        "{ field: spent, at_least: 5 }",
        "{ field: product, at_least: 5 }",
        ":14 who.all[2].at_least: 'at_least' does not fit",
    ),
    ("{ field: spent, at_least: 5 }", "{ field: spent, is: '5' }", "who.all[2].is: 'is' does not fit 'spent'"),
    (
        "{ field: product, is: car }",
        "{ field: product, is: 5 }",
        "who.all[3].is: 'is' does not fit 'product', which holds a text",
    ),
    ("{ field: product, is: car }", "{ field: product }", ":15 who.all[3]: a field without a test"),
    (
        "{ field: product, is: car }",
        "{ not: { field: nobody, is: 'x' } }",
        "who.all[3].not.field: customers have no field",
    ),
    ("due: { field: expiry,", "due: { field: product,", ":17 why_now.due.field: 'product' is no date (name a field"),
    ("due: { field: expiry,", "due: { field: exp,", ":17 why_now.due.field: customers have no field 'exp'"),
    (
        "due: { field: expiry,",
        "due: { special_day: telekom_day,",
        ":17 why_now.due.special_day: there is no special",
    ),
    ("due: { field: expiry,", "due: { special_day: telekom_day,", "(did you mean 'telecom_day'?)"),
    (
        "due: { field: expiry,",
        "due: { special_day: Telecom Day,",
        "special_day: 'Telecom Day' is not of the right",
    ),
    (
        "due: { field: expiry,",
        "due: { field: expiry, special_day: telecom_day,",
        ":17 why_now.due: 'field' and 'special_day' stand together (say which",
    ),
    ("  product: text", "  product: text\n  name: text", ":11 fields.name: 'name' exists already"),
    (
        "  product: text",
        "  product: words",
        ":10 fields.product: 'words' is not known here (expected one of date, text",
    ),
    # retry table, answering machine, outcomes
    (
        "after: busy",
        "after: reached",
        ":33 attempts.retry[1].after: 'reached' is nothing that a retry can follow (expected",
    ),
    ("after: hung_up, stop: true", "after: hung_up", ":34 attempts.retry[2]: this row does not say what follows"),
    ("after: hung_up, stop: true", "after: busy, attempt: 1, stop: true", ":32 attempts.retry: two rows for 'busy'"),
    ("reaction: leave_message", "reaction: hang_up", ":36 answering_machine: a message that nobody leaves"),
    ("  message: Hello {name}, call {hotline}.\n", "", ":36 answering_machine: no message to leave"),
    (
        "Hello {name}, call",
        "Hello {nmae}, call",
        ":38 answering_machine.message: customers have no field 'nmae' (did you",
    ),
    ("Hello {name}, call", "Tell us your PIN, call", ":38 answering_machine.message: asks for a secret ('pin')"),
    ("counts_as: completed", "counts_as: opted_out", "outcomes.happy.counts_as: 'opted_out' is nothing an outcome can"),
    (
        "  happy: {",
        "  refused: { label: No, counts_as: refused }\n  happy: {",
        "outcomes.refused: 'refused' is a built-in",
    ),
    # the script
    ("start: greeting", "start: greting", ":40 script.start: there is no step 'greting' (did you mean 'greeting'?)"),
    ("next: question", "next: qestion", ":44 script.nodes.greeting.next: there is no step 'qestion' (did you mean"),
    ("2: later", "2: latr", ":49 script.nodes.question.keys.2: there is no step 'latr'"),
    (
        "2: later",
        "x: later",
        ":49 script.nodes.question.keys.x: the name 'x' is not of the right form (expected one key",
    ),
    ("2: later", "2: { goo: later }", ":49 script.nodes.question.keys.2.goo: unknown key 'goo' (did you mean 'go'?)"),
    ("end: Goodbye.", "edn: Goodbye.", ":64 script.nodes.bye: this is none of the steps a script knows (a step holds"),
    ("end: Goodbye.", "end: Goodbye.\n      say: x", ":64 script.nodes.bye: this is none of the steps"),
    (
        "{name|there}",
        "{nmae|there}",
        ":43 script.nodes.greeting.say: customers have no field 'nmae' (did you mean 'name'?)",
    ),
    ("{name|there}", "{Name}", ":43 script.nodes.greeting.say: a brace that belongs to no field (write {name}"),
    ("this is {company}", "good day", ":43 script.nodes.greeting.say: the first words of the call do not say who"),
    (
        "Press 1 for yes.",
        "Press your PIN.",
        ":46 script.nodes.question.ask: asks for a secret ('pin'): no call may ask",
    ),
    (
        "Press 1 for yes.",
        "We never ask for passwords.",
        ":46 script.nodes.question.ask: asks for a secret ('passwords')",
    ),
    (
        "outcome: happy",
        "outcome: hapy",
        ":48 script.nodes.question.keys.1.outcome: there is no outcome 'hapy' (did you",
    ),
    ("outcome: happy", "outcome: promised", "no outcome 'promised' (a promise is made by an offer_time step)"),
    ("outcome: happy", "outcome: opted_out", "no outcome 'opted_out' (an opt-out is made by an opt_out step)"),
    ("next: sort", "next: question", "later.next: leads back to 'question': the conversation may never end"),
    ("no_answer: silent", "no_answer: question", ":52 script.nodes.question.no_answer: leads back to 'question'"),
    ("2: later", "2: bye", ":54 script.nodes.later: no path leads to the step 'later'"),
    ('"9": stop', '"9": bye', ":41 script.nodes: the customer has no way to opt out (add a key"),
    (
        "end: Goodbye.",
        "end: Goodbye.\n      outcome: refused",
        "keys.1.outcome: says what came of the call, and 'bye' after it",
    ),
    (
        "end: Farewell.",
        "end: Farewell.\n      outcome: refused",
        "later.next: says what came of the call, and 'silent' after",
    ),
    (
        "is: yes please",
        "is: yes",
        ":61 script.nodes.sort.branch.is: 'question' never has the answer 'yes' (expected one of yes please, 2, 9)",
    ),
    ("answer: question", "answer: qestion", ":61 script.nodes.sort.branch.answer: there is no question 'qestion' (did"),
    (
        "tomorrow 10:00",
        "tomorow 10:00",
        ":57 script.nodes.later.choices.1: 'tomorow 10:00' is no time that can be promised",
    ),
    (
        "    stop:",
        "    answering_machine:",
        "script.nodes.answering_machine: 'answering_machine' is the name of the message",
    ),
    # the file
    ("title: Test", "title: Test: two", ":2: cannot be read as YAML: mapping values are not allowed here (check the"),
    ("title: Test", "\ttitle: Test", "cannot be read as YAML: found character"),
    ("title: Test", "title: &a Test", ":2: cannot be read as YAML: anchors and aliases are not read here"),
    ("title: Test", "title: *a", ":2: cannot be read as YAML: anchors and aliases are not read here"),
    ("title: Test", "title: !!python/name:os.system Test", ":2: cannot be read as YAML: tags are not read here"),
    ("title: Test", "title: {company}", ":2 title: '{'company': None}' is no text"),
    ("title: Test", "{a: b}: Test", ":2: a key that is no text"),
    ("title: Test", "title: " + "[" * 50 + "]" * 50, ":2: cannot be read as YAML: keys are nested too deeply"),
    ("campaign: test", "--- \ncampaign: x\n---\ncampaign: test", "cannot be read as YAML: but found another document"),
]


@pytest.mark.parametrize(("old", "new", "complaint"), MISTAKES, ids=[new[:40] for _, new, _ in MISTAKES])
def test_a_mistake_is_named_with_its_place_and_cure(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    said = complaints(tmp_path, replaced(old, new))
    assert any(complaint in one for one in said), "\n".join(said)
    assert all(one.startswith("renewal.yaml") and one.endswith(")") for one in said), said
    jargon = ("Input should", "type=", "pydantic", "Value error", "input_value", "datetime")
    assert not any(word in one for one in said for word in jargon), said


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "renewal.yaml: the file is empty"),
        (b"# nothing\n", "renewal.yaml: the file is empty"),
        (b"- a\n- b\n", "renewal.yaml: this is no campaign file"),
        (b"just words", "renewal.yaml: this is no campaign file"),
        (b"campaign: test\ntitle: \xff\xfe\n", "renewal.yaml:2: is not UTF-8 (save the file as UTF-8)"),
        (b"title: \x00", "holds characters that no text may hold"),
        (b"#" * (LARGEST_FILE + 1), "renewal.yaml: is larger than 256 KB"),
    ],
)
def test_what_is_no_campaign_file_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    (said,) = complaints(tmp_path, content)
    assert complaint in said


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CampaignFileError, match=r"nothing\.yaml: cannot be read: No such file"):
        load(tmp_path / "nothing.yaml")


def test_a_sector_that_no_rule_speaks_of_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "renewal.yaml"
    path.write_text(SOUND.replace("title: Test", "title: Test\nsectors: [motor, moter, shipping]"))
    with pytest.raises(CampaignFileError) as caught:
        load(path, ("telecom_day",), {"motor", "life_insurance"})
    first, second = caught.value.problems
    assert first.where == f"{path}:3 sectors[2]"
    assert (first.what, first.mend) == ("no rule speaks of the sector 'moter'", "did you mean 'motor'?")
    assert second.mend == "expected one of life_insurance, motor; leave out what no rule speaks of"
    path.write_text(SOUND.replace("title: Test", "title: Test\nsectors: [motor]"))
    assert load(path, (), {"motor"}).campaign.sectors == ("motor",)


def test_a_byte_order_mark_and_windows_lines_do_no_harm(tmp_path: Path) -> None:
    assert complaints(tmp_path, b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode()) == []


def test_all_mistakes_are_named_together_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = SOUND.replace("most: 4", "most: four").replace("title: Test", "title: 5").replace("25 s", "25")
    said = complaints(tmp_path, text)
    assert [one.split()[0] for one in said] == ["renewal.yaml:2", "renewal.yaml:27", "renewal.yaml:29"]


def test_a_folder_is_read_whole_and_all_its_mistakes_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SOUND)
    (tmp_path / "b.yml").write_text(SOUND.replace("campaign: test", "campaign: other"))
    (tmp_path / "notes.txt").write_text("not a campaign")
    assert [one.campaign.id for one in load_folder(tmp_path)] == ["test", "other"]
    (tmp_path / "c.yaml").write_text(SOUND)
    (tmp_path / "d.yaml").write_text("campaign: broken")
    with pytest.raises(CampaignFileError) as caught:
        load_folder(tmp_path)
    said = str(caught.value)
    assert f"c.yaml campaign: 'test' is the campaign of {tmp_path}/a.yaml already" in said
    assert "d.yaml:1 title: 'title' is missing" in said


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(CampaignFileError, match="no campaign files here"):
        load_folder(tmp_path)


def test_a_document_from_the_database_is_checked_as_well() -> None:
    with pytest.raises(CampaignFileError, match="document title: 'title' is missing"):
        parse({"campaign": "x"})


def test_scalars_mean_what_yaml_1_2_says(tmp_path: Path) -> None:
    said = complaints(
        tmp_path, replaced("{ field: product, is: car }", "{ field: product, in: [no, 12:30, 2026-01-01, 010] }")
    )
    assert said == []
    (_, _, condition) = load(tmp_path / "renewal.yaml").document["who"]["all"]
    assert condition["in"] == ["no", "12:30", "2026-01-01", "010"]


@given(st.text(max_size=200) | st.text(st.sampled_from("{}[]:-,'\"#&*!|>%@ \n\tab1"), max_size=60))
def test_whatever_a_file_holds_the_answer_is_a_complaint(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(CampaignFileError):
        load(path)


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["say", "next", "go", "is", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.sampled_from(["who", "when", "attempts", "script", "priority", "outcomes", "fields", "why_now"]), DOCUMENTS)
def test_a_document_of_any_shape_is_refused_in_plain_words(key: str, value: Any) -> None:
    try:
        parse({"campaign": "x", key: value})
    except CampaignFileError as error:
        assert "Input should" not in str(error)  # noqa: PT017 - every such document is refused, below as well
    else:
        raise AssertionError("a campaign without a title was accepted")


def test_the_schema_describes_every_key_for_editors() -> None:
    schema = json_schema()
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"campaign", "title", "when", "script"} <= set(schema["required"])
    for name, part in {**schema["$defs"], "Campaign": schema}.items():
        assert part.get("additionalProperties", False) is False, f"{name} lets unknown keys pass"
        for key, described in part.get("properties", {}).items():
            part_of_its_own = schema["$defs"].get(described.get("$ref", "").rpartition("/")[2], {})
            said = described.get("description") or part_of_its_own.get("description")
            assert said or name == "Windows", f"{name}.{key} does not say what it means"
