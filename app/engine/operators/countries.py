"""Countries by name, by what their people are called, and by the states that belong to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import NamedTuple

_TABLE = """
Afghanistan: Afghan, Afghani
Albania: Albanian
Algeria: Algerian
Andorra: Andorran
Angola: Angolan
Argentina: Argentine, Argentinian, Argentinean
Armenia: Armenian
Australia: Australian
Austria: Austrian
Azerbaijan: Azerbaijani
Bahamas: Bahamian
Bahrain: Bahraini
Bangladesh: Bangladeshi
Barbados: Barbadian
Belarus: Belarusian, Belarussian
Belgium: Belgian, Flemish, Walloon
Belize: Belizean
Benin: Beninese
Bhutan: Bhutanese
Bolivia: Bolivian
Bosnia and Herzegovina, Bosnia: Bosnian
Botswana: Motswana
Brazil: Brazilian
Brunei: Bruneian
Bulgaria: Bulgarian
Burkina Faso: Burkinabé
Cambodia: Cambodian
Cameroon: Cameroonian
Canada: Canadian, Québécois
Cape Verde: Cape Verdean
Chad: Chadian
Chile: Chilean
China, People's Republic of China, PRC: Chinese
Colombia: Colombian
Congo, Democratic Republic of the Congo, Zaire: Congolese
Costa Rica: Costa Rican
Croatia: Croatian, Croat
Cuba: Cuban
Cyprus: Cypriot
Czech Republic, Czechia: Czech
Czechoslovakia: Czechoslovak, Czechoslovakian
Denmark: Danish
Dominican Republic
Ecuador: Ecuadorian
Egypt: Egyptian
El Salvador: Salvadoran
Eritrea: Eritrean
Estonia: Estonian
Ethiopia: Ethiopian
Fiji: Fijian
Finland: Finnish
France: French
Gabon: Gabonese
Gambia: Gambian
Georgia: Georgian
Germany, West Germany, East Germany: German, West German, East German
Ghana: Ghanaian
Greece: Greek
Guatemala: Guatemalan
Guinea: Guinean
Guyana: Guyanese
Haiti: Haitian
Honduras: Honduran
Hong Kong
Hungary: Hungarian
Iceland: Icelandic
India: Indian
Indonesia: Indonesian
Iran, Persia: Iranian, Persian
Iraq: Iraqi
Ireland, Republic of Ireland: Irish
Israel: Israeli
Italy: Italian
Ivory Coast, Côte d'Ivoire: Ivorian
Jamaica: Jamaican
Japan: Japanese
Jordan: Jordanian
Kazakhstan: Kazakh, Kazakhstani
Kenya: Kenyan
Kosovo: Kosovar, Kosovan
Kuwait: Kuwaiti
Kyrgyzstan: Kyrgyz
Laos: Laotian
Latvia: Latvian
Lebanon: Lebanese
Liberia: Liberian
Libya: Libyan
Liechtenstein
Lithuania: Lithuanian
Luxembourg: Luxembourgish, Luxembourgian
Macau
Madagascar: Malagasy
Malawi: Malawian
Malaysia: Malaysian
Mali: Malian
Malta: Maltese
Mauritania: Mauritanian
Mauritius: Mauritian
Mexico: Mexican
Moldova: Moldovan
Monaco: Monégasque
Mongolia: Mongolian
Montenegro: Montenegrin
Morocco: Moroccan
Mozambique: Mozambican
Myanmar, Burma: Burmese
Namibia: Namibian
Nepal: Nepalese, Nepali
Netherlands, Holland: Dutch
New Zealand: New Zealander
Nicaragua: Nicaraguan
Niger: Nigerien
Nigeria: Nigerian
North Korea: North Korean
North Macedonia, Macedonia: Macedonian
Norway: Norwegian
Oman: Omani
Ottoman Empire: Ottoman
Pakistan: Pakistani
Palestine: Palestinian
Panama: Panamanian
Papua New Guinea: Papua New Guinean
Paraguay: Paraguayan
Peru: Peruvian
Philippines: Filipino, Filipina, Philippine
Poland: Polish
Portugal: Portuguese
Prussia: Prussian
Qatar: Qatari
Romania: Romanian
Russia: Russian
Rwanda: Rwandan
Samoa: Samoan
Saudi Arabia: Saudi, Saudi Arabian
Senegal: Senegalese
Serbia: Serbian
Seychelles
Sierra Leone: Sierra Leonean
Singapore: Singaporean
Slovakia: Slovak, Slovakian
Slovenia: Slovenian, Slovene
Somalia: Somali
South Africa: South African
South Korea, Korea: South Korean, Korean
Soviet Union, USSR: Soviet
Spain: Spanish, Catalan
Sri Lanka: Sri Lankan
Sudan: Sudanese
Suriname: Surinamese
Sweden: Swedish
Switzerland: Swiss
Syria: Syrian
Taiwan: Taiwanese
Tajikistan: Tajik
Tanzania: Tanzanian
Thailand: Thai
Togo: Togolese
Trinidad and Tobago: Trinidadian
Tunisia: Tunisian
Turkey: Turkish
Turkmenistan: Turkmen
Uganda: Ugandan
Ukraine: Ukrainian
United Arab Emirates, UAE: Emirati
United Kingdom, UK, U.K., Great Britain, Britain, England, Scotland, Wales, Northern Ireland: \
British, English, Scottish, Welsh, Northern Irish
United States, United States of America, USA, U.S., U.S.A., US: American
Uruguay: Uruguayan
Uzbekistan: Uzbek
Venezuela: Venezuelan
Vietnam: Vietnamese
Yemen: Yemeni
Yugoslavia: Yugoslav, Yugoslavian
Zambia: Zambian
Zimbabwe: Zimbabwean
"""
"""Country and its other names: what its people and its things are called."""
_STATES = """
United States: Alabama, Alaska, Arizona, Arkansas, California, Colorado, Connecticut, Delaware, \
Florida, Hawaii, Idaho, Illinois, Indiana, Iowa, Kansas, Kentucky, Louisiana, Maine, Maryland, \
Massachusetts, Michigan, Minnesota, Mississippi, Missouri, Montana, Nebraska, Nevada, \
New Hampshire, New Jersey, New Mexico, New York, North Carolina, North Dakota, Ohio, Oklahoma, \
Oregon, Pennsylvania, Rhode Island, South Carolina, South Dakota, Tennessee, Texas, Utah, Vermont, \
Virginia, Washington, West Virginia, Wisconsin, Wyoming, Puerto Rico, Puerto Rican
Canada: Ontario, Quebec, British Columbia, Alberta, Manitoba, Saskatchewan, Nova Scotia, \
New Brunswick, Newfoundland and Labrador, Prince Edward Island
Australia: New South Wales, Queensland, Tasmania, South Australia, Western Australia
"""
"""States that texts name without their country."""
# "Georgian-born", "English-language", "of Irish descent", "the French Revolution": no nationality.
_NO_NATIONALITY = re.compile(
    r"\s?-?\s?(?:born\b|speaking\b|language|descent|origin|ancestry|parent|Ocean\b|Wars?\b|Sea\b"
    r"|Revolution\b|Empire\b|Peninsula|Football\b|Open\b|Championship|League\b)"
)


class Label(NamedTuple):
    """A country as `text[start:end]` names it."""

    start: int
    end: int
    country: str
    adjective: bool  # "Norwegian", rather than "Norway"


def labels(text: str) -> list[Label]:
    """All countries that a text names, in order; capitals count.

    An adjective before "-born", "language" and the like says no country.
    """
    found = []
    for match in _LABEL.finditer(text):
        country, adjective = _COUNTRY[" ".join(match.group().split())]
        if not _NO_NATIONALITY.match(text, match.end()):
            found.append(Label(match.start(), match.end(), country, adjective))
    return found


def countries(text: str) -> frozenset[str]:
    """The countries a value stands for: two of "Greek-American", the last of "Ottawa, Canada"."""
    found = labels(text)
    if not found:
        return frozenset()
    # A place says its country last; adjectives stand beside each other.
    place = found[-1]
    if "," in text and not place.adjective:
        return frozenset((place.country,))
    return frozenset(label.country for label in found)


def _names() -> Iterator[tuple[str, tuple[str, bool]]]:
    for line in _STATES.strip().splitlines():
        country, _, states = line.partition(": ")
        yield from ((state, (country, False)) for state in states.split(", "))
    for line in _TABLE.strip().splitlines():
        names, _, adjectives = line.partition(": ")
        country = names.split(", ")[0]
        yield from ((name, (country, False)) for name in names.split(", "))
        yield from ((name, (country, True)) for name in adjectives.split(", ") if name)


_COUNTRY = MappingProxyType(dict(_names()))
_LABEL = re.compile(
    r"(?<![\w])(?:"
    + "|".join(
        re.escape(name).replace(r"\ ", r"\s+") for name in sorted(_COUNTRY, key=len, reverse=True)
    )
    + r")(?!\w)"
)
