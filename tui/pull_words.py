"""What is said of models on the Hub, on screens and on the command line."""

from collections.abc import Iterable, Iterator
from shlex import quote
from typing import Any

from engine.api import Form, ModelPull, Offer, PullPlan, PullProgress
from tui.text import clean, clock_text, count_text, shorten, size_text

_LABEL = 15


def offer_lines(offers: Iterable[Offer]) -> Iterator[str]:
    """Models that can be pulled by their labels, three lines each, or four."""
    for offer in offers:
        yield f"{offer.label:{_LABEL}}{offer.family}: {offer.about}"
        yield f"{'':{_LABEL}}{offer.repository}"
        yield f"{'':{_LABEL}}{', '.join(_facts(offer))}"
        if offer.forms:
            first, *rest = offer.forms
            named = (offer.label_of(first), *(f"-{each.name}" for each in rest))
            yield f"{'':{_LABEL}}what suits this machine, or {', '.join(named)}"
    yield ""
    yield "`promptsheet models pull NAME` says what it would pull, and asks."


def offer_line(offer: Offer) -> str:
    """`sdxl: Stable Diffusion XL, 6.9 GB, openrail++`."""
    return f"{offer.label}: {', '.join((offer.family, *_facts(offer)))}"


def _facts(offer: Offer) -> Iterator[str]:
    if offer.download_gb:
        yield f"{offer.download_gb:g} GB"
    if offer.memory_gb:
        yield f"on a GPU of {offer.memory_gb:g} GB"
    yield offer.licence
    if offer.gated:
        yield "gated"


def plan_lines(coming: ModelPull, plan: PullPlan) -> Iterator[str]:
    """What pulling a model would take, and what it will be called. Reads the model list."""
    yield plan_head(plan)
    yield from (f"  {name:9} {clean(text)}" for name, text in plan_facts(coming, plan))


def plan_head(plan: PullPlan) -> str:
    """Which model it is: `acme/tiny at 01234567 (main)`."""
    repository = plan.found.repository
    return clean(f"{repository.name} at {plan.found.commit[:8]} ({repository.revision})")


def plan_facts(coming: ModelPull, plan: PullPlan) -> Iterator[tuple[str, str]]:
    """The same as names and texts, not cleaned. Reads the model list."""
    found = plan.found
    licence = shorten(coming.licence_of(plan), 60) or "not said"
    terms = "; its terms are to be accepted on its page" if found.is_gated else ""
    yield "licence", licence + terms
    what = found.kind.words if found.kind else found.pipeline
    yield "model", shorten(what or "one weights file", 60)
    yield from _form_facts(coming)
    files = count_text(len(found.choice.files), "file")
    kind = f", {found.choice.variant} weights" if found.choice.variant else ""
    left = f"; {size_text(found.left_out)} are left out" if found.left_out else ""
    yield "size", f"{size_text(found.size)} in {files}{kind}{left}"
    if plan.is_here:
        yield "to come", "nothing: it is here"
    else:
        here = f", {size_text(plan.here)} are here" if plan.here else ""
        yield "to come", size_text(found.size - plan.here) + here
        yield "free", f"{size_text(plan.free)}, of which {size_text(plan.reserve)} stay free"
    yield "label", coming.label_of(plan)
    yield "page", found.page
    yield "goes to", plan.folder


def _form_facts(coming: ModelPull) -> Iterator[tuple[str, str]]:
    """Which form of an offer is pulled, what it lacks here, and which others there are."""
    if (found := coming.chosen) is not None:
        yield "form", f"{found.form.name}: {found.form.about}"
        yield "memory", _memory_of(found.form)
    if coming.lack:
        yield "lacks", f"it {coming.lack}"
    if found is not None:
        offer = found.offer
        others = (each for each in offer.forms if each is not found.form)
        yield "others", ", ".join(f"{offer.label_of(o)} ({o.gpu_gb:g} GB)" for o in others)


def _memory_of(form: Form) -> str:
    needs = f"a GPU of {form.gpu_gb:g} GB or more keeps its denoisers whole; smaller ones are slow"
    if form.capability:
        needs += f"; computes in float8 from capability {form.capability:g} on"
    if form.machine_gb:
        needs += f"; {form.machine_gb:g} GB of the machine's own to load it"
    return needs


def _form_body(coming: ModelPull) -> dict[str, Any] | None:
    """The same, as JSON says it; None: there is one form alone."""
    if (found := coming.chosen) is None:
        return None
    return {
        "name": found.form.name,
        "gpu_gb": found.form.gpu_gb,
        "quantise": found.form.quantise or None,
        "others": [
            found.offer.label_of(each) for each in found.offer.forms if each is not found.form
        ],
    }


def plan_body(coming: ModelPull, plan: PullPlan) -> dict[str, Any]:
    """The same, as JSON says it."""
    found = plan.found
    return {
        "repository": found.repository.name,
        "revision": found.repository.revision,
        "commit": found.commit,
        "page": found.page,
        "licence": coming.licence_of(plan),
        "gated": found.is_gated,
        "pipeline": found.pipeline,
        "kind": found.kind.words if found.kind else None,
        "variant": found.choice.variant,
        "files": [{"name": file.name, "bytes": file.size} for file in found.choice.files],
        "bytes": found.size,
        "here_bytes": plan.here,
        "left_out_bytes": found.left_out,
        "free_bytes": plan.free,
        "reserve_bytes": plan.reserve,
        "folder": plan.folder,
        "form": _form_body(coming),
        "lacks": coming.lack or None,
    }


def pull_command(coming: ModelPull) -> str:
    """The command that pulls the same, and goes on from where it was."""
    what, label, file = coming.asked
    named = f" --label {quote(label)}" if label else ""
    return f"promptsheet models pull {quote(what)}{named}" + (f" --file {quote(file)}" * bool(file))


def pace_words(step: PullProgress) -> str:
    """`84 MB/s, 00:01:20 left`; empty while nothing is known."""
    if step.bytes_per_second < 1:
        return ""
    left = clock_text((step.total - step.done) / step.bytes_per_second)
    return f"{size_text(step.bytes_per_second)}/s, {left} left"
