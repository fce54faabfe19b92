"""Tool calls out of what a local model says."""

from __future__ import annotations

import pytest

from services.prompt_writer.hermes_calls import calls_in
from services.prompt_writer.prompt_writer import Instruction
from services.prompt_writer.tool_protocol import ToolCall, read_calls

GOOD = '<tool_call>\n{"name": "submit_edit_instruction", "arguments": {"instruction": "Add fog."}}\n</tool_call>'


@pytest.mark.parametrize("said", [GOOD, f"{GOOD}<|im_end|>", f"Sure, with pleasure!\n{GOOD}\nDone.<|im_end|>"])
def test_a_call_is_read_and_words_beside_it_are_not(said: str) -> None:
    assert calls_in(said) == (ToolCall("submit_edit_instruction", {"instruction": "Add fog."}),)
    assert read_calls(calls_in(said)) == Instruction("Add fog.")


def test_arguments_may_be_text() -> None:
    said = (
        '<tool_call>{"name": "submit_edit_instruction", "arguments": "{\\"instruction\\": \\"Add fog.\\"}"}</tool_call>'
    )
    assert read_calls(calls_in(said)) == Instruction("Add fog.")


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Add fog.",
        '{"name": "submit_edit_instruction", "arguments": {"instruction": "Add fog."}}',
        GOOD.removesuffix("</tool_call>"),
        GOOD.removeprefix("<tool_call>"),
        GOOD + GOOD,
        f"{GOOD}<tool_call>nonsense</tool_call>",
        "<tool_call>" * 2000,
        "<tool_call>" + "[" * 100_000 + "</tool_call>",
        "<tool_call>[1]</tool_call>",
        '<tool_call>{"arguments": {"instruction": "Add fog."}}</tool_call>',
        '<tool_call>{"name": 7, "arguments": {"instruction": "Add fog."}}</tool_call>',
        '<tool_call>{"name": "run_shell", "arguments": {"instruction": "Add fog."}}</tool_call>',
        '<tool_call>{"name": "submit_edit_instruction"}</tool_call>',
        '<tool_call>{"name": "submit_edit_instruction", "arguments": {"instruction": "", "more": 1}}</tool_call>',
        '<function=submit_edit_instruction>{"instruction": "Add fog."}</function>',
    ],
)
def test_anything_else_is_no_answer(said: str) -> None:
    assert read_calls(calls_in(said)) is None
