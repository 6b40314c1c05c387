"""Weights of the question gate; data only, written by `python -m benchmarks.gate`."""

# fmt: off
FITTED_ON = (
    "2wiki_hops",
    "2wiki_train",
    "2wikimultihopqa",
    "cacm",
    "hotpotqa",
    "musique",
    "musique_hops",
    "policyqa",
    "qed_nq",
    "tatqa",
    "xquad_en",
    "2026-11-25",
)
CONSTANT = -7.687
WEIGHTS = {
    "log_words": 2.07,
    "of": 0.385,
    "possessives": 0.827,
    "relatives": 2.08,
    "relations": 1.961,
    "names": 0.552,
    "cased": -0.093,
    "choice": 4.518,
    "both": 2.041,
    "compared": 5.259,
}
