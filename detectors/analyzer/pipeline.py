"""The spaCy pipeline that carries the model, and Presidio's engine over it; neither ever downloads anything."""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import spacy
import tldextract.tldextract
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry
from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer
from presidio_analyzer.nlp_engine import NerModelConfiguration, NlpArtifacts, SpacyNlpEngine
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from detectors.analyzer.artifacts import Artifacts, ModelSpan
from detectors.errors import Error
from detectors.ner.classifier import TokenClassifier

LANGUAGE: Final = "en"  # Presidio files recognizers by language; ours look at any text
COMPONENT: Final = "lockgate_token_classifier"
_SPANS: Final = "lockgate"
_OFFSETS: Final = "code_points"
_WORD = re.compile(r"\S+|\s")


class Tokenizer:
    """Words parted by white space, in a vocabulary of the text's own: spaCy keeps every word it ever saw otherwise."""

    def __call__(self, text: str) -> Doc:
        """Return the text as a document."""
        words = _WORD.findall(text)
        return Doc(Vocab(), words=words, spaces=[False] * len(words))


class Component:
    """The pipeline's component: the model's spans go into `doc.spans`, their exact code points into its attributes."""

    def __init__(self, nlp: Language, name: str) -> None:
        self._classifier: TokenClassifier | None = None  # spaCy makes components from settings that are plain data

    def attach(self, classifier: TokenClassifier) -> None:
        """Give it the model."""
        self._classifier = classifier

    def __call__(self, doc: Doc) -> Doc:
        """Mark one document."""
        return next(self.pipe([doc]))

    def pipe(self, docs: Iterable[Doc], batch_size: int = 0) -> Iterator[Doc]:
        """Mark documents, all in one batch: the model sorts its windows itself."""
        if self._classifier is None:
            raise Error("the pipeline's component has no model", hint="attach one: this is a fault of Lockgate")
        waiting = list(docs)
        for doc, spans in zip(waiting, self._classifier.spans([doc.text for doc in waiting]), strict=True):
            marked = [doc.char_span(s.start, s.end, label=s.label, alignment_mode="expand") for s in spans]
            attributes = {_OFFSETS: tuple(ModelSpan(*span) for span in spans)}
            group = spacy.tokens.SpanGroup(
                doc, name=_SPANS, attrs=attributes, spans=[s for s in marked if s is not None]
            )
            doc.spans[_SPANS] = group
            yield doc


class NlpEngine(SpacyNlpEngine):
    """Presidio's spaCy engine with a blank pipeline, with or without the model; loading never downloads."""

    def __init__(self, classifier: TokenClassifier | None) -> None:
        configuration = NerModelConfiguration(model_to_presidio_entity_mapping={}, labels_to_ignore=[])
        super().__init__(models=[{"lang_code": LANGUAGE, "model_name": "blank"}], ner_model_configuration=configuration)
        self._classifier = classifier
        self.load()

    def load(self) -> None:
        """Set up the pipeline."""
        nlp = spacy.blank("xx")
        nlp.tokenizer = Tokenizer()
        nlp.max_length = 1 << 31
        if self._classifier is not None:
            if not Language.has_factory(COMPONENT):
                Language.factory(COMPONENT, func=Component)
            component: Any = nlp.add_pipe(COMPONENT)
            component.attach(self._classifier)
        self._pipeline = nlp
        pipelines: Any = {LANGUAGE: nlp}
        self.nlp = pipelines

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """Return the artifacts of one text; without a model there is nothing to run and no token is made."""
        if self._classifier is None:
            return Artifacts(text, (), self, language)
        return self._doc_to_nlp_artifact(self._pipeline(text), language)

    def spans(self, texts: Sequence[str]) -> list[Sequence[ModelSpan]]:
        """Return the model's spans of all texts, in one batch."""
        if self._classifier is None:
            return [() for _ in texts]
        batch: Any = self.process_batch(list(texts), LANGUAGE, batch_size=max(1, len(texts)))
        return [artifacts.spans for _, artifacts in batch]

    def _doc_to_nlp_artifact(self, doc: Doc, language: str) -> Artifacts:
        spans: Any = doc.spans[_SPANS].attrs[_OFFSETS]
        return Artifacts(doc.text, spans, self, language)


class NoEnhancer(ContextAwareEnhancer):
    """No second look at context: the recognizers look at a window of characters themselves, which needs no tokens."""

    def __init__(self) -> None:
        super().__init__(0.0, 0.0, 0, 0)

    def enhance_using_context(self, text: str, raw_results: list[Any], *_: Any, **__: Any) -> list[Any]:
        """Return the results as they are."""
        return raw_results


def engine_of(recognizers: Sequence[EntityRecognizer], classifier: TokenClassifier | None) -> AnalyzerEngine:
    """Return Presidio's engine with these recognizers alone, and with its suffix list and its log kept at home."""
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)  # some of its messages hold the text at hand
    registry = RecognizerRegistry(recognizers=list(recognizers), supported_languages=[LANGUAGE])
    return AnalyzerEngine(
        registry=registry,
        nlp_engine=NlpEngine(classifier),
        supported_languages=[LANGUAGE],
        context_aware_enhancer=NoEnhancer(),
    )
