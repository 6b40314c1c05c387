"""The tree of settings and their defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app.generation.lfd.params import ALPHA, EVERY, ONCE, WEIGHT, LFDParams

PREFIX = "ANABRANCH_"
NESTED = "__"
SECRETS = ("API_KEYS", "DATABASE_URL", "EMBEDDER__KEY", "GENERATION__KEY")
SECRET_FILES = frozenset(f"{PREFIX}{secret}_FILE" for secret in SECRETS)


class Group(BaseModel):
    """A named part of the settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Channel(Group):
    """One retriever."""

    use: str = Field(pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*|off)$")
    timeout_s: PositiveFloat = 1.0
    options: dict[str, Any] = Field(default_factory=dict)


class Retrievers(Group):
    """Where each channel is implemented: `module:Class`, or `off`."""

    vector: Channel = Channel(use="retrievers.vector.faiss:FaissRetriever")
    fulltext: Channel = Channel(use="retrievers.fulltext.tantivy:TantivyRetriever")
    graph: Channel = Channel(use="retrievers.graph.csr:GraphRetriever")
    sql: Channel = Channel(use="retrievers.sql.tables:SqlRetriever", timeout_s=1.5)
    more: dict[str, Channel] = Field(default_factory=dict)
    """Further channels by name, fused like vector and full text."""

    def channels(self) -> dict[str, Channel]:
        """Every channel by name, those of `more` last."""
        named = {name: getattr(self, name) for name in ("vector", "fulltext", "graph", "sql")}
        return {**named, **self.more}


class Embedder(Group):
    """The encoder of passages and questions."""

    use: Literal["onnx", "hashing", "remote"] = "onnx"
    folder: Path | None = None
    url: str = ""
    model: str = ""
    key: SecretStr = SecretStr("")
    dimension: PositiveInt = 384
    max_tokens: PositiveInt = 256
    questions: Literal["int8", "float32"] = "int8"


class Generation(Group):
    """The language model: any server with OpenAI's `/v1/chat/completions`."""

    url: str = ""  # empty: there is none, and answers quote sentences
    model: str = ""
    key: SecretStr = SecretStr("")
    concurrency: PositiveInt = 8


class Budget(Group):
    """What one question may cost; a request can only lower it."""

    seconds: PositiveFloat = 20.0
    llm_calls: NonNegativeInt = 12
    prompt_tokens: NonNegativeInt = 24_000
    completion_tokens: NonNegativeInt = 3_000
    store_queries: PositiveInt = 60
    rounds: PositiveInt = 3
    nodes: Annotated[int, Field(ge=1, le=6)] = 6


class Reasoning(Group):
    """Thresholds of plans and rounds; the cosines are on MiniLM's scale."""

    hard: Annotated[float, Field(ge=0, le=1)] = 0.2
    support: Annotated[float, Field(ge=0, le=1)] = 0.35
    sure_rows: Annotated[float, Field(ge=0, le=1)] = 0.75
    repeated: Annotated[float, Field(ge=-1, le=1)] = 0.95
    remembered: Annotated[float, Field(ge=-1, le=1)] = 0.92
    remembered_support: Annotated[float, Field(ge=0, le=1)] = 0.6
    guessed_weight: PositiveFloat = 0.6
    trusted_weight: PositiveFloat = 2.0
    variants: PositiveInt = 3
    plan_seconds: PositiveFloat = 5.0


class Ingest(Group):
    """How documents are cut and indexed."""

    chunk_tokens: PositiveInt = 240
    batch_documents: PositiveInt = 64
    commit_every_s: PositiveFloat = 30.0


class Answers(Group):
    """What becomes of answers that were given."""

    keep_days: PositiveInt = 30


class Limits(Group):
    """What one request, one key and all requests together may ask for."""

    question_bytes: PositiveInt = 2 * 1024**2
    body_bytes: PositiveInt = 32 * 1024**2
    upload_bytes: PositiveInt = 512 * 1024**2
    file_bytes: PositiveInt = 100 * 1024**2
    files: PositiveInt = 50
    uploads: PositiveInt = 2
    text_bytes: PositiveInt = 2 * 1024**2
    metadata_bytes: PositiveInt = 64 * 1024
    query_characters: PositiveInt = 8_000
    concurrency: PositiveInt = 32
    queue: NonNegativeInt = 512
    rate_per_minute: NonNegativeInt = 600
    free_bytes: NonNegativeInt = 1024**3


class Observe(Group):
    """What is logged, and how."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "text"] = "auto"  # auto: text on a terminal


class Settings(BaseSettings):
    """Every setting. Frozen; secrets do not show when printed."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=NESTED,
        nested_model_default_partial_update=True,
        frozen=True,
        extra="forbid",
        env_ignore_empty=True,
    )

    data_dir: Path = Path("data")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    database_url: SecretStr = SecretStr("")
    docs_enabled: bool = True
    grace_s: Annotated[float, Field(gt=0, le=45)] = 30.0
    retrievers: Retrievers = Retrievers()
    embedder: Embedder = Embedder()
    generation: Generation = Generation()
    lfd: Literal["auto", "off", "require"] = "auto"
    lfd_alpha: Annotated[float, Field(ge=ALPHA[0], le=ALPHA[1])] = LFDParams().alpha
    lfd_weight: Annotated[float, Field(ge=WEIGHT[0], le=WEIGHT[1])] = LFDParams().weight
    lfd_every: int | Literal["once"] = 1
    lfd_probe_seconds: PositiveFloat = 300.0
    budget: Budget = Budget()
    reasoning: Reasoning = Reasoning()
    ingest: Ingest = Ingest()
    answers: Answers = Answers()
    limits: Limits = Limits()
    observe: Observe = Observe()

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        # Without this, a tuple from the environment would have to be written as JSON.
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("lfd_every", mode="before")
    @classmethod
    def _every(cls, value: object) -> object:
        # Of a union pydantic lists a fault for each member, by names that are no setting.
        low, high = EVERY
        if value == ONCE or (str(value).isdecimal() and low <= int(str(value)) <= high):
            return value
        raise ValueError(f"a whole number from {low} to {high}, or {ONCE}, is expected")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before `.env`, and nothing else."""
        for source in (env_settings, dotenv_settings):
            # What is no setting of ours would be refused as one: lines of others in `.env`, and
            # the variables that name files of secrets.
            variables = cast(EnvSettingsSource, source)
            variables.env_vars = {
                name: value
                for name, value in variables.env_vars.items()
                if name.upper().startswith(PREFIX) and name.upper() not in SECRET_FILES
            }
        return init_settings, env_settings, dotenv_settings

    @property
    def truth_url(self) -> str:
        """Where the database is."""
        given = self.database_url.get_secret_value()
        return given or f"sqlite:///{self.data_dir.resolve() / 'anabranch.db'}"

    @property
    def weights_dir(self) -> Path:
        """Folder of the encoder's weights."""
        return self.embedder.folder or self.data_dir / "models" / "all-MiniLM-L6-v2"
