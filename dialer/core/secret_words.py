"""What no call may ask for: card numbers, security codes, passwords. Fraudsters imitate exactly such calls."""

from __future__ import annotations

import re
import unicodedata

_ENGLISH = (
    r"\bcard('s)?\s?(number|no\b|digits|details)",
    r"(number|digits)\s(on|of|from)\s(the\s(front|back)\sof\s)?(your|the)\s((credit|debit|bank|payment)\s)?card",
    r"\bcvv2?\b|\bcvc2?\b|\bcsc\b",
    r"\b(security|verification|authentication|authorization|authorisation|confirmation|access|sms|one-?\s?time)\scodes?\b",
    r"\bcodes?\s(that\s)?(we|was|you|which|has|have|just|from)\b(\s\w+){0,3}\s(sent|received|got|texted|texts?|sms)\b",
    r"\b(four|six|eight|[468])[\s-]?digit\s(code|number|pin)\b",
    r"\bpins?\b|\bpin\s?codes?\b",
    r"\bpass\s?(word|code|phrase)s?\b",
    r"\botps?\b",
)
_CHINESE = (
    r"卡号|卡號|卡片号码|卡片號碼|卡的号码|卡背面|卡后三位|卡末三位",
    r"密码|密碼|口令",
    r"(验证|驗證|校验|校驗|安全|动态|動態|短信|授权|授權|确认|確認|一次性|动态验证)码|(驗證|校驗|安全|動態|短信|授權|確認)碼",
)
_SECRET = re.compile("|".join((*_ENGLISH, *_CHINESE)))
_PROMISE = re.compile(
    r"\b(never|(will|do|does|would|shall) not|(wo|do|does|would)n't)\s(\w+\s)?(ask|request|need|require)\b"
    r"|(不会|不會|不需|绝不|絕不|决不|从不|從不|不)(\w{0,4})?(要求|询问|詢問|索要|索取|要您|要你|问您|問您|需要|提供)"
)
_LIMIT = re.compile(r"\b(but|except|unless|only|apart from|however|other than)\b|但|除|只|仅|僅|不过|不過")
_SENTENCE = re.compile(r"[.!?;。！？；]+")
_SPELT = re.compile(r"\b[a-z](?:[.\s-]+[a-z]\b){2,}")
_BETWEEN_CHINESE = re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")


def secret_in(text: str, *, promise_allowed: bool) -> str | None:
    """The first words of `text` that name a secret, or None.

    With `promise_allowed`, a sentence that promises never to ask for it ("we will never ask for your password") is
    left in peace, unless it also makes an exception ("but", "except", "only").
    """
    for sentence in _SENTENCE.split(_plain(text)):
        found = _SECRET.search(sentence)
        if found and not (promise_allowed and _PROMISE.search(sentence) and not _LIMIT.search(sentence)):
            return found[0].strip()
    return None


def _plain(text: str) -> str:
    """`text` in small letters of ordinary width, without what hides a word: invisible characters, P.I.N., 密 码."""
    normal = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    visible = "".join(character for character in normal if unicodedata.category(character) != "Cf")
    together = _SPELT.sub(lambda spelt: re.sub(r"[^a-z]", "", spelt[0]), " ".join(visible.split()))
    return _BETWEEN_CHINESE.sub("", together)
