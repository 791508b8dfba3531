//! Operator sets: which versions say what the operators mean.

use super::error::{CheckError, shown};
use super::names::Map;
use crate::onnx::access::{is_standard_domain, text};
use crate::onnx::schema::{ModelProto, NodeProto, OperatorSetIdProto};
use bstr::BStr;

/// From this IR version on, models name their operator sets.
const IMPORTS_SINCE: i64 = 3;

pub(super) fn check(model: &ModelProto) -> Result<(), CheckError> {
    let must_import = model.ir_version.is_some_and(|version| version >= IMPORTS_SINCE);
    let nodes = model.graph.as_ref().map_or(&[][..], |graph| &graph.node);
    imports(&model.opset_import, nodes, must_import, &|| "the model".to_owned())?;
    model.functions.iter().try_for_each(|function| {
        let label = || format!("function `{}`", shown(text(&function.name)));
        imports(&function.opset_import, &function.node, true, &label)
    })
}

fn imports(
    imports: &[OperatorSetIdProto],
    nodes: &[NodeProto],
    must_import: bool,
    label: &dyn Fn() -> String,
) -> Result<(), CheckError> {
    let mut versions: Map<&BStr, i64> = Map::default();
    for import in imports {
        let (domain, second) = (text(&import.domain), import.version.unwrap_or(0));
        let standard = is_standard_domain(domain);
        if standard && second < 1 {
            return Err(CheckError::Version { importer: label(), version: second });
        }
        let domain = if standard { BStr::new("ai.onnx") } else { domain };
        if let Some(first) = versions.insert(domain, second).filter(|first| *first != second) {
            return Err(CheckError::TwoVersions { importer: label(), domain: shown(domain), first, second });
        }
    }
    let uses_standard = || nodes.iter().any(|node| is_standard_domain(text(&node.domain)));
    if must_import && !versions.contains_key(BStr::new("ai.onnx")) && uses_standard() {
        return Err(CheckError::NoImport { importer: label() });
    }
    Ok(())
}
