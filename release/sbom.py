"""What a binary is made of, as a CycloneDX document: https://cyclonedx.org/docs/1.5/json/"""

import uuid
from datetime import UTC, datetime

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot5
from packageurl import PackageURL

# The SBOM of the same release has the same number.
NUMBERS = uuid.uuid5(uuid.NAMESPACE_DNS, "sbom.frames.invalid")


def document(crates, programs, version, commit, sha256, time):
    """`programs` are the edge functions' crates, `sha256` is the binary's, `time` is in seconds since 1970."""
    bom = Bom(serial_number=uuid.uuid5(NUMBERS, f"{version} {commit} {sha256}"))
    bom.metadata.timestamp = datetime.fromtimestamp(time, UTC)
    components = {key: component(crate) for key, crate in crates.items()}
    frames = ("frames", version)
    bom.metadata.component = components[frames]
    bom.metadata.component.type = ComponentType.APPLICATION
    bom.metadata.component.hashes = [HashType(alg=HashAlgorithm.SHA_256, content=sha256)]
    bom.components.update(made for key, made in components.items() if key != frames)
    for key, crate in crates.items():
        # They are inside the binary, which Cargo doesn't know.
        embedded = {other for other in crates if other[0] in programs} if key == frames else set()
        bom.register_dependency(components[key], [components[other] for other in sorted(crate.needs | embedded)])
    return JsonV1Dot5(bom).output_as_string(indent=1) + "\n"


def component(crate):
    purl = PackageURL("cargo", None, crate.name, crate.version)
    made = Component(
        type=ComponentType.LIBRARY,
        name=crate.name,
        version=crate.version,
        bom_ref=str(purl) if crate.sha256 else f"frames:{crate.name}@{crate.version}",
        description=crate.description or None,
        licenses=[LicenseFactory().make_from_string(crate.licence, license_acknowledgement=None)],
    )
    if crate.sha256:
        made.purl = purl
        made.hashes = [HashType(alg=HashAlgorithm.SHA_256, content=crate.sha256)]
        page = f"https://crates.io/crates/{crate.name}/{crate.version}"
        made.external_references = [ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(page))]
    return made
