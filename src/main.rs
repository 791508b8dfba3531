//! The command-line tool.
use bn_tool::onnx::{load, save};
use bn_tool::transform::fold::*;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let model = load(std::path::Path::new(&args[1])).unwrap();
    let folded = fold(&model, &FoldOptions::default()).unwrap();
    let r = &folded.report;
    println!("{} folded {} kept {} nodes {} -> {}", args[1], r.folded, r.kept, r.nodes_before, r.nodes_after);
    for n in &r.norms {
        if let Outcome::Kept { refusal } = &n.outcome { println!("   {} {}: {}", n.name, refusal.code, refusal.detail); }
    }
    if let Some(out) = args.get(2) { save(&folded.model, std::path::Path::new(out)).unwrap(); }
}
