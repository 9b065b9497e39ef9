"""Guesses what a column holds from its heading, in English and Chinese."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final
from unicodedata import normalize

from dialer.core.customer import TEXT_FIELDS


class Field(StrEnum):
    """What a column may be mapped to."""

    REFERENCE = "reference"  # the customer file's own key
    NAME = "name"
    GIVEN_NAME = "given_name"  # joined to the name
    FAMILY_NAME = "family_name"  # joined to the name
    SALUTATION = "salutation"
    LANGUAGE = "language"
    TIER = "tier"
    VIP = "vip"  # yes or no
    PHONE = "phone"  # dialed first
    PHONE2 = "phone2"
    PHONE3 = "phone3"
    PHONE4 = "phone4"
    PHONE5 = "phone5"
    PHONE6 = "phone6"
    REGION = "region"  # a country or a part of one
    COUNTRY = "country"
    STATE = "state"  # a part of the country
    ZONE = "zone"  # said by the customer
    QUIET = "quiet"  # hours in which not to call
    AGENT = "agent"
    OPTED_OUT = "opted_out"  # yes: never call
    ATTRIBUTE = "attribute"  # anything else a campaign may ask about or a script may say
    IGNORE = "ignore"


class Kind(StrEnum):
    """What the cells of a free attribute hold."""

    TEXT = "text"
    DATE = "date"  # kept as ISO 8601 text
    NUMBER = "number"


RESERVED: Final = frozenset({*TEXT_FIELDS, "numbers", "quiet", "opted_out", "attributes"})
"""Names a free attribute cannot have."""

PHONES: Final = (Field.PHONE, Field.PHONE2, Field.PHONE3, Field.PHONE4, Field.PHONE5, Field.PHONE6)

_FIELD_WORDS: Final = {
    Field.REFERENCE: """
        reference ref id customerid customerno customernumber customerref customerreference customercode clientid
        memberid accountid accountno accountnumber crmid contactid
        客户编号 客户号 客户id 客户代码 客户标识 编号 会员号 会员编号 用户编号 用户id 用户号 档案编号""",
    Field.NAME: """
        name fullname customername clientname contactname customer
        姓名 客户姓名 名字 客户名称 客户 联系人 用户姓名 投保人""",
    Field.GIVEN_NAME: "givenname firstname forename 名",
    Field.FAMILY_NAME: "familyname lastname surname 姓",
    Field.SALUTATION: "salutation honorific 称呼 称谓 尊称",
    Field.LANGUAGE: "language lang locale preferredlanguage 语言 语种",
    Field.TIER: """
        tier level grade segment customertier customerlevel customertype
        级别 等级 层级 客户级别 客户等级 会员级别 会员等级""",
    Field.VIP: "vip isvip vipcustomer vipflag 是否vip vip客户 vip标志 级别vip 贵宾 是否贵宾 贵宾客户",
    Field.REGION: "region addressregion 地区 区域 所在地 所在地区 归属地",
    Field.COUNTRY: "country nation countrycode 国家 国别",
    Field.STATE: "state province stateprovince 省份 省 州 省市",
    Field.ZONE: "zone timezone tz 时区",
    Field.QUIET: """
        quiet quiethours donotdisturbhours donotcallhours donotdisturbtime sleephours
        勿扰时段 勿扰时间 免打扰时段 免打扰时间 休息时间 休息时段 静默时段""",
    Field.AGENT: """
        agent ownagent accountmanager owner representative salesrep advisor
        专属客服 客服 客户经理 专员 负责人 坐席 客服代表 服务专员 专属坐席""",
    Field.OPTED_OUT: """
        optedout optout donotcall dnc unsubscribed donotdisturb dnd nocall suppressed
        勿扰 免打扰 退订 禁呼 禁拨 拒访 拒绝回访 不再联系 黑名单""",
    Field.IGNORE: "rejectedrow rejectedcolumn rejectedreason rownumber no 序号",
}
_PHONE_WORDS: Final = (  # the earlier, the likelier to reach the person
    """
        phone mobile cell cellphone mobilephone phonenumber mobilenumber telephone tel telno phoneno mobileno
        primaryphone contactphone msisdn
        手机 手机号 手机号码 移动电话 电话 电话号码 联系电话 联系方式 联系手机 联系号码 首选电话""",
    """
        homephone hometel landline workphone officephone businessphone worktel
        家庭电话 宅电 住宅电话 固定电话 固话 座机 单位电话 办公电话 公司电话""",
    """
        backupphone alternatephone alternativephone altphone otherphone secondaryphone secondphone sparephone
        备用电话 备用手机 备用号码 其他电话 第二电话""",
)
_ATTRIBUTE_WORDS: Final = {
    "policy_expiry": """
        policyexpiry policyexpirydate policyexpires
        到期日 到期日期 到期时间 保单到期日 保单到期 保险到期日 保险到期 合同到期日""",
    "policy_date": "policydate 投保日期 承保日期 生效日期 保单日期",
    "policy_number": "policynumber policyno 保单号 保单号码",
    "order_date": "orderdate 订单日期 下单日期 订购日期 下单时间",
    "due_date": "duedate paymentdue 还款日 应还日期 缴费日期",
    "birthday": "birthday birthdate dateofbirth dob 生日 出生日期",
    "product": "product productname 产品 产品名称 险种 商品",
    "last_complaint": "lastcomplaint complaint 最近投诉 投诉内容 上次投诉",
    "plate": "plate licenseplate 车牌 车牌号 车牌号码",
    "premium": "premium 保费",
    "balance": "balance 余额 账户余额",
    "amount": "amount amountdue 金额 欠款金额 应还金额",
    "notes": "notes note remark remarks comment comments 备注 说明",
}
_DATE_NAME = re.compile(r"(?:^|_)(?:date|expiry|expires|birthday|dob)(?:_|$)|日期$|到期日$|生日$")
_NUMBER_NAME = re.compile(r"^(?:premium|balance|amount|price)$|(?:金额|余额|保费)$")

FIELD_OF_WORD: Final = {word: field for field, words in _FIELD_WORDS.items() for word in words.split()}
RANK_OF_PHONE: Final = {word: rank for rank, words in enumerate(_PHONE_WORDS) for word in words.split()}
ATTRIBUTE_OF_WORD: Final = {word: name for name, words in _ATTRIBUTE_WORDS.items() for word in words.split()}


def compared(heading: str) -> str:
    """A heading as headings are compared: `*手机(必填)` is `手机`, and `Phone No.` is `phone_no`."""
    text = normalize("NFKC", heading).casefold()
    bare = re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", text)
    return _letters(bare) or _letters(text)


def phone_rank(heading: str) -> int | None:
    """How early a column of numbers is dialed (0 first); None when the heading does not speak of numbers."""
    word = compared(heading)
    return RANK_OF_PHONE.get(word, RANK_OF_PHONE.get(word.rstrip("0123456789")))


def field_of(heading: str) -> Field | None:
    """The field a heading names for certain, numbers aside."""
    return FIELD_OF_WORD.get(compared(heading))


def attribute_name(heading: str) -> str:
    """The name of the free attribute under a heading: a well-known one, else the heading in snake_case."""
    known = ATTRIBUTE_OF_WORD.get(compared(heading))
    if known:
        return known
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", normalize("NFKC", heading))
    name = re.sub(r"_+", "_", re.sub(r"\W+", "_", words)).strip("_").casefold()[:60]
    return name if name.isidentifier() else f"column_{name}".rstrip("_")


def attribute_kind(name: str) -> Kind:
    """What an attribute of this name can only hold."""
    if _DATE_NAME.search(name):
        return Kind.DATE
    return Kind.NUMBER if _NUMBER_NAME.search(name) else Kind.TEXT


def _letters(text: str) -> str:
    return "".join(char for char in text if char.isalnum())
