"""What no call may ask for, in English and Chinese, and the one way in which it may be mentioned."""

from __future__ import annotations

import pytest

from dialer.core.secret_words import secret_in

ASKING = [
    "Please enter your card number.",
    "Tell us the number on the back of your card",
    "Key in the last digits of your credit card",
    "your debit card details please",
    "What is your CVV?",
    "the three digit security code",
    "Please type the verification code.",
    "Enter the one-time code",
    "Enter the one time password",
    "Read us the code we sent you by text",
    "Read us the code that you have just received",
    "Press the six-digit code now",
    "Enter your PIN",
    "Your pin code, please",
    "your P.I.N. please",
    "your p i n please",
    "Enter your ＰＩＮ",
    "Say your pass\u200bword",
    "Tell us your\npassword",
    "What is your passcode?",
    "Your OTP?",
    "请输入您的银行卡号",
    "请输入信用卡 卡号",
    "请告诉我们您的密 码",
    "请输入短信验证码",
    "請輸入驗證碼",
    "请按安全码",
    "请输入动态口令",
    "请输入一次性码",
    "请输入卡背面的三位数字",
]
INNOCENT = [
    "Press 1 for yes, 2 for no.",
    "Your card has arrived at our office.",
    "We are spinning up a new service, and pinned it on the map.",
    "Discard numbers you do not need.",
    "Your postal code is in our file.",
    "You can pass the word on.",
    "您的卡片已经寄出。",
    "满意请按1，不满意请按2。",
    "我们的编码是一。",
]
PROMISES = [
    "We never ask for card numbers or passwords.",
    "We will never ask you for your PIN.",
    "Our staff do not ask for a password.",
    "We won't ask for security codes!",
    "我们绝不会向您索要银行卡号、密码或验证码。",
    "我们不会询问您的密码。",
]
EXCUSES = [
    "We never ask for passwords, except today.",
    "We never ask for your PIN but we need it now.",
    "We never ask for much. Tell us your password.",
    "We will only ask for your password once.",
    "我们不会询问您的密码，但请输入验证码。",
    "请放心。请告诉我们密码。",
]


@pytest.mark.parametrize("text", ASKING)
def test_secrets_are_found_in_questions_and_in_statements(text: str) -> None:
    assert secret_in(text, promise_allowed=False)
    assert secret_in(text, promise_allowed=True)


@pytest.mark.parametrize("text", INNOCENT)
def test_ordinary_sentences_are_left_in_peace(text: str) -> None:
    assert secret_in(text, promise_allowed=False) is None


@pytest.mark.parametrize("text", PROMISES)
def test_a_promise_never_to_ask_may_be_spoken_but_not_with_a_question(text: str) -> None:
    assert secret_in(text, promise_allowed=True) is None
    assert secret_in(text, promise_allowed=False)


@pytest.mark.parametrize("text", EXCUSES)
def test_a_promise_with_an_exception_is_none(text: str) -> None:
    assert secret_in(text, promise_allowed=True)
