//! Every other fixture, at every site: whatever comes, the result is valid and computes the same.

use super::bits;
use crate::fixtures::inputs;
use crate::reference::evaluate_as_runtimes;
use crate::tool::repository;
use bn_tool::onnx::schema::ModelProto;
use bn_tool::onnx::{check, load};
use bn_tool::transform::insert::{InsertOptions, Site, insert};
use std::path::{Path, PathBuf};

const SITES: [Site; 4] = [Site::BeforeActivation, Site::AfterAffine, Site::BeforeAffine, Site::Input];

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![repository(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

/// The model with BatchNormalizations, and how many there are; `None` if it is refused as a whole.
fn inserted(path: &Path, model: &ModelProto, site: Site, transpose: bool) -> Option<(ModelProto, usize)> {
    let result = insert(model, &InsertOptions::default().site(site).transpose(transpose)).ok()?;
    check(&result.model).unwrap_or_else(|error| panic!("{} at {site:?}: {error}", path.display()));
    Some((result.model, result.report.inserted))
}

/// Graphs for the fold have shared weights, readers in subgraphs, functions, old opsets, all types.
#[test]
fn in_graphs_for_the_fold_nothing_changes() {
    let mut total = 0;
    for path in ["fixtures/fold", "fixtures/merge", "fixtures/flags"].into_iter().flat_map(files) {
        let model = load(&path).expect("it loads");
        let inputs = inputs(&model, 1.0);
        for (site, transpose) in SITES.into_iter().flat_map(|site| [(site, false), (site, true)]) {
            let Some((result, count)) = inserted(&path, &model, site, transpose) else { continue };
            total += count;
            // What trains, or is foreign, has no values to compare.
            let Ok(expected) = evaluate_as_runtimes(&model, &inputs) else { continue };
            let found =
                evaluate_as_runtimes(&result, &inputs).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(bits(&expected), bits(&found), "{} at {site:?}", path.display());
        }
    }
    assert!(total > 1000, "only {total} were inserted");
}

#[test]
fn what_is_broken_or_hostile_is_no_more_than_an_error() {
    let mut loaded = 0;
    for path in ["fixtures/broken", "fixtures/fuzz"].into_iter().flat_map(files) {
        let Ok(model) = load(&path) else { continue };
        loaded += 1;
        for site in SITES {
            inserted(&path, &model, site, true);
        }
    }
    assert!(loaded > 5, "only {loaded} could be loaded");
}
