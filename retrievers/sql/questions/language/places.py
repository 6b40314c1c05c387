"""Places that go by another name in tables: states by their letters, a few countries."""

from __future__ import annotations

from collections.abc import Mapping


def _places(text: str) -> dict[str, tuple[str, ...]]:
    entries = (entry.rpartition(" ") for entry in text.split(","))
    return {name.strip(): (letters.strip(),) for name, _, letters in entries}


PLACES: Mapping[str, tuple[str, ...]] = {
    **_places(
        """
        alabama al, alaska ak, arizona az, arkansas ar, california ca, colorado co, connecticut ct,
        delaware de, florida fl, georgia ga, hawaii hi, idaho id, illinois il, indiana in, iowa ia,
        kansas ks, kentucky ky, louisiana la, maine me, maryland md, massachusetts ma, michigan mi,
        minnesota mn, mississippi ms, missouri mo, montana mt, nebraska ne, nevada nv,
        new hampshire nh, new jersey nj, new mexico nm, new york ny, north carolina nc,
        north dakota nd, ohio oh, oklahoma ok, oregon or, pennsylvania pa, rhode island ri,
        south carolina sc, south dakota sd, tennessee tn, texas tx, utah ut, vermont vt,
        virginia va, washington wa, west virginia wv, wisconsin wi, wyoming wy
        """
    ),
    "united states": ("usa", "us", "unitedstatesofamerica"),
    "usa": ("unitedstates", "us", "unitedstatesofamerica"),
    "us": ("unitedstates", "usa"),
    "america": ("unitedstates", "usa"),
    "uk": ("unitedkingdom", "greatbritain"),
    "united kingdom": ("uk", "gb", "greatbritain"),
    "great britain": ("uk", "unitedkingdom"),
}
"""Lower-case name to squashed spellings that mean the same in a column that holds them."""
