"""XML schemas out of the package pyiso20022: dataclasses that a generator made from the official schemas.

Its source is parsed, never imported. A class becomes a type, a field an element with its facets; ISO 20022 names every
choice "...Choice", so nothing is lost. `flat` makes schemas comparable: test_iso_bindings.py proves on messages whose
official schema we have that what comes out is that schema.
"""

from __future__ import annotations

import ast
import importlib.util
from decimal import Decimal
from pathlib import Path
from typing import Any

from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"

_BUILT_IN = {
    "str": "string", "Decimal": "decimal", "bool": "boolean", "XmlDate": "date", "XmlDateTime": "dateTime",
    "XmlTime": "time", "XmlPeriod": "gYear", "bytes": "base64Binary",
}  # fmt: skip
_FACETS = {
    "min_length": "minLength", "max_length": "maxLength", "pattern": "pattern", "min_inclusive": "minInclusive",
    "total_digits": "totalDigits", "fraction_digits": "fractionDigits",
}  # fmt: skip


def is_there() -> bool:
    """Whether the package is installed."""
    return importlib.util.find_spec("pyiso20022") is not None


def derived(version: str) -> etree._Element:
    """The schema of a message, such as "pacs.009.001.08"."""
    spec = importlib.util.find_spec("pyiso20022")
    assert spec is not None
    assert spec.submodule_search_locations
    module = version.replace(".", "_")
    source = Path(next(iter(spec.submodule_search_locations))) / version[:4] / module / f"{module}.py"
    namespace = f"urn:iso:std:iso:20022:tech:xsd:{version}"
    root = etree.Element(
        f"{XS}schema",
        nsmap={"xs": XS[1:-1], None: namespace},
        targetNamespace=namespace,
        elementFormDefault="qualified",
    )
    etree.SubElement(root, f"{XS}element", name="Document", type="Document")
    classes = [node for node in ast.parse(source.read_text()).body if isinstance(node, ast.ClassDef)]
    for node in classes:
        (_enumeration if "Enum" in map(ast.unparse, node.bases) else _class)(root, node)
    names = {node.name: _name(node) for node in classes}
    for element in root.iter(f"{XS}element"):
        if element.get("type"):
            element.set("type", names[element.get("type")])
    return root


def _enumeration(root: etree._Element, node: ast.ClassDef) -> None:
    simple = etree.SubElement(root, f"{XS}simpleType", name=node.name)
    values = etree.SubElement(simple, f"{XS}restriction", base="xs:string")
    for one in node.body:
        if isinstance(one, ast.Assign):
            etree.SubElement(values, f"{XS}enumeration", value=ast.literal_eval(one.value))


def _class(root: etree._Element, node: ast.ClassDef) -> None:
    fields = [_field(one) for one in node.body if isinstance(one, ast.AnnAssign)]
    typed = etree.SubElement(root, f"{XS}complexType", name=_name(node))
    if fields[0][0] == "value":
        # An amount with its currency.
        simple = etree.SubElement(root, f"{XS}simpleType", name=f"{node.name}_SimpleType")
        _restrict(simple, fields[0][1], fields[0][3])
        content = etree.SubElement(etree.SubElement(typed, f"{XS}simpleContent"), f"{XS}extension")
        content.set("base", f"{node.name}_SimpleType")
        for _, kind, _, about in fields[1:]:
            attribute = etree.SubElement(content, f"{XS}attribute", name=about["name"], use="required")
            _restrict(etree.SubElement(attribute, f"{XS}simpleType"), kind, about)
        return
    choice = node.name.endswith("Choice")
    group = etree.SubElement(typed, f"{XS}{'choice' if choice else 'sequence'}")
    for _, kind, many, about in fields:
        if about["type"] == "Wildcard":
            etree.SubElement(group, f"{XS}any", namespace="##any", processContents="lax")
            continue
        element = etree.SubElement(group, f"{XS}element", name=about["name"])
        if not choice:
            element.set("minOccurs", str(about.get("min_occurs", 1 if about.get("required") else 0)))
        if many:
            element.set("maxOccurs", str(about.get("max_occurs", "unbounded")))
        if kind in _BUILT_IN:
            _restrict(etree.SubElement(element, f"{XS}simpleType"), kind, about)
        else:
            element.set("type", kind)


def _name(node: ast.ClassDef) -> str:
    """A class's name in the schema, which its Meta tells where Python's is another."""
    meta = next((one for one in node.body if isinstance(one, ast.ClassDef) and one.name == "Meta"), None)
    for one in meta.body if meta else ():
        if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "name":
            return str(ast.literal_eval(one.value))
    return node.name


def _field(node: ast.AnnAssign) -> tuple[str, str, bool, dict[str, Any]]:
    """A field's name, type, whether it repeats, and its metadata."""
    kind = ast.unparse(node.annotation).removeprefix("None | ")
    many = kind.startswith("list[")
    assert isinstance(node.value, ast.Call)
    assert isinstance(node.target, ast.Name)
    metadata = next(one.value for one in node.value.keywords if one.arg == "metadata")
    assert isinstance(metadata, ast.Dict)
    about = {
        ast.literal_eval(key): _literal(value) for key, value in zip(metadata.keys, metadata.values, strict=True) if key
    }
    return node.target.id, kind[5:-1] if many else kind, many, about


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "Decimal":
        return Decimal(ast.literal_eval(node.args[0]))
    return ast.literal_eval(node)


def _restrict(simple: etree._Element, kind: str, about: dict[str, Any]) -> None:
    restricted = etree.SubElement(simple, f"{XS}restriction", base=f"xs:{_BUILT_IN[kind]}")
    for name, facet in _FACETS.items():
        if name in about:
            etree.SubElement(restricted, f"{XS}{facet}", value=str(about[name]))


Flat = dict[str, Any]


def flat(schema: etree._Element) -> Flat:
    """Every type that is not simple text, with its elements in order; simple types are told by base and facets."""
    named = {one.get("name"): one for one in schema if one.get("name") and one.tag != f"{XS}element"}

    def simple(node: etree._Element) -> tuple[str, frozenset[tuple[str, str]]]:
        restricted = node.find(f"{XS}restriction")
        facets = frozenset((etree.QName(one).localname, one.get("value")) for one in restricted)
        # The bindings have one class for years and months.
        return restricted.get("base").rpartition(":")[2].replace("gYearMonth", "gYear"), facets

    def of_type(node: etree._Element) -> object:
        name = node.get("type")
        target = named[name] if name else node.find(f"{XS}simpleType")
        return simple(target) if target.tag == f"{XS}simpleType" else name

    def content(node: etree._Element) -> object:
        extension = node.find(f"{XS}simpleContent/{XS}extension")
        if extension is not None:
            attributes = [(one.get("name"), one.get("use"), of_type(one)) for one in extension]
            return simple(named[extension.get("base")]), attributes
        group = next(one for one in node if one.tag in (f"{XS}sequence", f"{XS}choice"))
        # Older releases wrap a choice in a sequence of nothing else.
        group = group[0] if group[0].tag == f"{XS}choice" else group
        choice = etree.QName(group).localname == "choice"
        # One of a choice is there or not: how often at least says nothing.
        return choice, [
            (one.get("name"), choice or one.get("minOccurs", "1"), one.get("maxOccurs", "1"), of_type(one))
            for one in group.iter(f"{XS}element")
        ]

    return {name: content(node) for name, node in named.items() if node.tag == f"{XS}complexType"}
