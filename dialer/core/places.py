"""Which zones each state or province lies in, so that an address narrows a country's clocks down.

Subdivisions by ISO 3166-2, zones by the comments of the IANA database's `zone.tab` and, for states that are divided,
the time zone boundaries in law (for the United States: 49 CFR part 71). A state with several zones lists all of them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Country, then zone, then the subdivisions that lie in it, wholly or in part.
_ZONES: Final = {
    "US": {
        "America/New_York": "CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC TN VA VT WV",
        "America/Detroit": "MI",
        "America/Kentucky/Louisville": "KY",
        "America/Kentucky/Monticello": "KY",
        "America/Indiana/Indianapolis": "IN",
        "America/Indiana/Vincennes": "IN",
        "America/Indiana/Winamac": "IN",
        "America/Indiana/Marengo": "IN",
        "America/Indiana/Petersburg": "IN",
        "America/Indiana/Vevay": "IN",
        "America/Indiana/Tell_City": "IN",
        "America/Indiana/Knox": "IN",
        "America/Chicago": "AL AR FL IA IL IN KS KY LA MI MN MO MS ND NE OK SD TN TX WI",
        "America/Menominee": "MI",
        "America/North_Dakota/Center": "ND",
        "America/North_Dakota/New_Salem": "ND",
        "America/North_Dakota/Beulah": "ND",
        "America/Denver": "AZ CO ID KS MT ND NE NM NV OR SD TX UT WY",
        "America/Boise": "ID OR",
        "America/Phoenix": "AZ",
        "America/Los_Angeles": "CA ID NV OR WA",
        "America/Anchorage": "AK",
        "America/Juneau": "AK",
        "America/Sitka": "AK",
        "America/Metlakatla": "AK",
        "America/Yakutat": "AK",
        "America/Nome": "AK",
        "America/Adak": "AK",
        "Pacific/Honolulu": "HI UM",
        "America/Puerto_Rico": "PR",
        "America/St_Thomas": "VI",
        "Pacific/Guam": "GU",
        "Pacific/Saipan": "MP",
        "Pacific/Pago_Pago": "AS",
        "Pacific/Midway": "UM",
        "Pacific/Wake": "UM",
    },
    "CA": {
        "America/St_Johns": "NL",
        "America/Goose_Bay": "NL",
        "America/Halifax": "NS PE QC",  # Quebec: the Magdalen Islands
        "America/Glace_Bay": "NS",
        "America/Moncton": "NB",
        "America/Blanc-Sablon": "QC",
        "America/Toronto": "NU ON QC",
        "America/Iqaluit": "NU",
        "America/Atikokan": "NU ON",
        "America/Winnipeg": "MB ON",
        "America/Resolute": "NU",
        "America/Rankin_Inlet": "NU",
        "America/Regina": "SK",
        "America/Swift_Current": "SK",
        "America/Edmonton": "AB BC NT SK",
        "America/Cambridge_Bay": "NU",
        "America/Inuvik": "NT",
        "America/Vancouver": "BC",
        "America/Creston": "BC",
        "America/Dawson_Creek": "BC",
        "America/Fort_Nelson": "BC",
        "America/Whitehorse": "YT",
        "America/Dawson": "YT",
    },
    "AU": {
        "Australia/Sydney": "ACT NSW",
        "Australia/Broken_Hill": "NSW",
        "Australia/Lord_Howe": "NSW",
        "Australia/Melbourne": "VIC",
        "Australia/Brisbane": "QLD",
        "Australia/Lindeman": "QLD",
        "Australia/Adelaide": "SA",
        "Australia/Darwin": "NT",
        "Australia/Perth": "WA",
        "Australia/Eucla": "SA WA",  # the road houses on both sides of the border
        "Australia/Hobart": "TAS",
        "Antarctica/Macquarie": "TAS",
    },
    "BR": {
        "America/Noronha": "PE",
        "America/Belem": "AP PA",
        "America/Santarem": "PA",
        "America/Fortaleza": "CE MA PB PI RN",
        "America/Recife": "PE",
        "America/Araguaina": "TO",
        "America/Maceio": "AL SE",
        "America/Bahia": "BA",
        "America/Sao_Paulo": "DF ES GO MG PR RJ RS SC SP",
        "America/Campo_Grande": "MS",
        "America/Cuiaba": "MT",
        "America/Porto_Velho": "RO",
        "America/Boa_Vista": "RR",
        "America/Manaus": "AM",
        "America/Eirunepe": "AM",
        "America/Rio_Branco": "AC",
    },
    "MX": {
        "America/Mexico_City": "AGU CHP CMX COL GRO GUA HID JAL MEX MIC MOR NAY OAX PUE QUE SLP TAB TLA VER ZAC",
        "America/Cancun": "ROO",
        "America/Merida": "CAM YUC",
        "America/Monterrey": "COA DUR NLE TAM",
        "America/Matamoros": "COA NLE TAM",
        "America/Chihuahua": "CHH",
        "America/Ciudad_Juarez": "CHH",
        "America/Ojinaga": "CHH",
        "America/Mazatlan": "BCS NAY SIN",
        "America/Bahia_Banderas": "NAY",
        "America/Hermosillo": "SON",
        "America/Tijuana": "BCN",
    },
    "RU": {
        "Europe/Kaliningrad": "KGD",
        "Europe/Moscow": (
            "AD ARK BEL BRY CE CU DA IN IVA KB KC KDA KL KLU KO KOS KR KRS LEN LIP ME MO MOS MOW MUR NEN NGR NIZ "
            "ORL PNZ PSK ROS RYA SE SMO SPE STA TA TAM TUL TVE VLA VLG VOR YAR"
        ),
        "Europe/Kirov": "KIR",
        "Europe/Volgograd": "VGG",
        "Europe/Astrakhan": "AST",
        "Europe/Saratov": "SAR",
        "Europe/Ulyanovsk": "ULY",
        "Europe/Samara": "SAM UD",
        "Asia/Yekaterinburg": "BA CHE KGN KHM ORE PER SVE TYU YAN",
        "Asia/Omsk": "OMS",
        "Asia/Novosibirsk": "NVS",
        "Asia/Barnaul": "AL ALT",
        "Asia/Tomsk": "TOM",
        "Asia/Novokuznetsk": "KEM",
        "Asia/Krasnoyarsk": "KK KYA TY",
        "Asia/Irkutsk": "BU IRK",
        "Asia/Chita": "ZAB",
        "Asia/Yakutsk": "AMU SA",
        "Asia/Khandyga": "SA",
        "Asia/Ust-Nera": "SA",
        "Asia/Vladivostok": "KHA PRI SA YEV",
        "Asia/Magadan": "MAG",
        "Asia/Sakhalin": "SAK",
        "Asia/Srednekolymsk": "SA SAK",
        "Asia/Kamchatka": "KAM",
        "Asia/Anadyr": "CHU",
    },
    "ID": {
        "Asia/Jakarta": "AC BB BE BT JA JB JI JK JT KR LA RI SB SS SU YO",
        "Asia/Pontianak": "KB KT",
        "Asia/Makassar": "BA GO KI KS KU NB NT SA SG SN SR ST",
        "Asia/Jayapura": "MA MU PA PB PD PE PS PT",
    },
    # Xinjiang lives by two clocks; the rest of mainland China by Beijing time alone.
    "CN": {"Asia/Shanghai": "XJ", "Asia/Urumqi": "XJ"},
}


def _inverted() -> Mapping[str, tuple[str, ...]]:
    places: dict[str, list[str]] = {}
    for country, zones in _ZONES.items():
        for zone, subdivisions in zones.items():
            for subdivision in subdivisions.split():
                places.setdefault(f"{country}-{subdivision}", []).append(zone)
    return MappingProxyType({place: tuple(zones) for place, zones in places.items()})


ZONES_OF_SUBDIVISION: Final = _inverted()
"""ISO 3166-2 subdivision (`US-NY`) to every zone in it. What is missing is no narrower than its country."""
