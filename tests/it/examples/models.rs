//! Models and data under the names that examples use.

use crate::data::files::{SAMPLE, SAMPLES, gzip, idx, npy, numbers, png, x_npy, zip};
use crate::tool::{digits, repository};
use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::schema::{AttributeProto, ModelProto, TensorProto};
use bn_tool::onnx::{load, save};
use bn_tool::transform::fold::{FoldOptions, fold};
use std::fs;
use std::path::Path;

/// Takes images of 224 × 224 pixels.
const RESNET: &str = "<ir_version: 8, opset_import: [\"\" : 17]>
resnet (float[N,3,224,224] image) => (float[N,2] scores)
<float[2,3,2,2] W = {0.5, -0.2, 0.1, 0.4, -0.3, 0.6, 0.2, -0.5, 0.3, 0.1, -0.4, 0.7,
                     -0.6, 0.2, 0.5, 0.1, 0.4, -0.1, 0.3, 0.2, -0.2, 0.6, 0.1, -0.3},
 float[2] s = {1.2, 0.7}, float[2] b = {0.3, -0.4}, float[2] m = {0.2, -0.1}, float[2] v = {0.5, 1.3}> {
    [conv] c = Conv <strides = [32, 32]> (image, W)
    [bn] n = BatchNormalization (c, s, b, m, v)
    r = Relu (n)
    p = GlobalAveragePool (r)
    scores = Flatten (p)
}";

/// Takes an image, and a mask for it.
const MASKED: &str = "<ir_version: 8, opset_import: [\"\" : 17]>
masked (float[N,1,8,8] x, float[N,1,8,8] mask) => (float[N,2,6,6] y)
<float[2,1,3,3] W = {0.5, -0.2, 0.1, 0.4, -0.3, 0.6, 0.2, -0.5, 0.3, 0.1, -0.4, 0.7, -0.6, 0.2, 0.5, 0.1, 0.4, -0.1}> {
    m = Mul (x, mask)
    [conv] c = Conv (m, W)
    y = Relu (c)
}";

/// Puts all of them into a folder.
pub fn put_all(folder: &Path) {
    put_models(folder);
    put_data(folder);
}

fn put_models(folder: &Path) {
    let to = |name: &str| folder.join(name);
    let model = network();
    let folded = fold(&model, &FoldOptions::default()).expect("it folds").model;
    let trained = training(model.clone());
    for (names, model) in [
        (&["model.onnx", "a.onnx", "big.onnx"][..], &model),
        (&["folded.onnx", "b.onnx"], &folded),
        (&["pruned.onnx"], &with_filters(model.clone(), prune)),
        (&["quantized.onnx"], &with_filters(model.clone(), quantize)),
        (&["averaged.onnx"], &with_filters(model.clone(), average)),
        (&["train.onnx"], &trained),
        (&["folded_elsewhere.onnx"], &without_bias(folded.clone(), "c3.bias")),
    ] {
        names.iter().for_each(|name| _ = save(model, &to(name)).expect("it is saved"));
    }
    for (name, text) in [("resnet.onnx", RESNET), ("masked.onnx", MASKED)] {
        fs::write(to(name), text).expect("it is written");
    }
    for (name, fixture) in [
        ("exported_in_training.onnx", "flags/freeze"),
        ("functions.onnx", "flags/specialize"),
        ("mlp.onnx", "insert/keeps_matmul_rank_3"),
        ("repvgg.onnx", "merge/repvgg"),
    ] {
        fs::copy(repository(&format!("fixtures/{fixture}.onnxtxt")), to(name)).expect("it is copied");
    }
}

/// The digits, with a part that is called a head.
fn network() -> ModelProto {
    let mut model = load(&digits()).expect("it loads");
    for node in &mut model.graph.as_mut().expect("there is a graph").node {
        let name = node.name.take().unwrap_or_default().to_string();
        let head = ["/f/", "/b4/"].iter().find_map(|part| name.strip_prefix(part));
        node.name = Some(head.map_or(name.clone(), |rest| format!("/head/{rest}")).into());
    }
    model
}

/// Whose BatchNormalizations are in training mode.
fn training(mut model: ModelProto) -> ModelProto {
    let nodes = &mut model.graph.as_mut().expect("there is a graph").node;
    let norms = nodes.iter_mut().filter(|node| node.standard_op() == "BatchNormalization");
    norms.for_each(|node| {
        node.attribute.retain(|attribute| attribute.name.as_deref().is_none_or(|name| name != b"training_mode"));
        node.attribute.push(AttributeProto::int("training_mode", 1));
    });
    model
}

/// With other weights of its convolutions.
fn with_filters(model: ModelProto, change: impl Fn(&mut [f64])) -> ModelProto {
    with_weights(model, |tensor| tensor.dims.len() == 4, change)
}

/// As a tool would fold it that loses a bias.
fn without_bias(model: ModelProto, name: &str) -> ModelProto {
    let is_it = |tensor: &TensorProto| tensor.name.as_deref().is_some_and(|own| own == name.as_bytes());
    with_weights(model, is_it, |values| values.fill(0.0))
}

fn with_weights(
    mut model: ModelProto,
    is_meant: impl Fn(&TensorProto) -> bool,
    change: impl Fn(&mut [f64]),
) -> ModelProto {
    let tensors = &mut model.graph.as_mut().expect("there is a graph").initializer;
    for tensor in tensors.iter_mut().filter(|tensor| is_meant(tensor)) {
        let stored = tensor.little_endian().expect("it is there").to_bytes().expect("it is read");
        let mut values = FloatType::F32.decode(&stored);
        change(&mut values);
        tensor.set_elements(FloatType::F32.encode(&values).into());
    }
    model
}

/// The smallest seven of ten become 0.
fn prune(weights: &mut [f64]) {
    let mut sizes: Vec<f64> = weights.iter().map(|weight| weight.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let limit = sizes[sizes.len() * 7 / 10];
    weights.iter_mut().filter(|weight| weight.abs() < limit).for_each(|weight| *weight = 0.0);
}

/// Three values are left: 0, and the largest with both signs.
fn quantize(weights: &mut [f64]) {
    let largest = weights.iter().fold(0.0f64, |largest, weight| largest.max(weight.abs()));
    weights.iter_mut().for_each(|weight| *weight = (*weight / largest).round() * largest);
}

/// Rows of three, each averaged with its mirror image.
fn average(weights: &mut [f64]) {
    for row in weights.chunks_exact_mut(3) {
        let mean = (row[0] + row[2]) / 2.0;
        (row[0], row[2]) = (mean, mean);
    }
}

fn put_data(folder: &Path) {
    let put = |name: &str, bytes: Vec<u8>| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        fs::write(path, bytes).expect("it is written");
    };
    let digits = fs::read(x_npy()).expect("it is there");
    let labels = fs::read(repository("fixtures/digits/y.npy")).expect("it is there");
    let floats = numbers();
    let pixels: Vec<u8> =
        floats.as_chunks().0.iter().map(|number| (f32::from_le_bytes(*number) * 255.0) as u8).collect();
    let half: Vec<u8> = (0..SAMPLES * 64).flat_map(|at| ((at % 2) as f32).to_le_bytes()).collect();
    let mask = npy("<f4", false, "100, 1, 8, 8", &half);
    for name in ["x.npy", "images.npy", "new_camera.npy"] {
        put(name, digits.clone());
    }
    put("y.npy", labels);
    put("m.npy", mask.clone());
    put("pairs.npy", npy("<f4", false, "3200, 2", &floats));
    put("rows.npy", npy("<f4", false, "800, 4, 2", &floats));
    put("both.npz", zip(&[("x.npy", digits.clone()), ("mask.npy", mask)]));
    put("mnist.npz", zip(&[("x_train.npy", npy("|u1", false, "100, 8, 8", &pixels))]));
    put("train-images-idx3-ubyte.gz", gzip(&idx(&[SAMPLES as u32, 8, 8], &floats)));
    put("nhwc.npy", npy("<f4", false, "100, 8, 8, 1", &floats));
    for (index, image) in pixels.chunks_exact(SAMPLE / 4).enumerate() {
        put(&format!("images/{index}.png"), png(8, 8, image));
        if index < 4 {
            put(&format!("val/{index}.png"), png(8, 8, image));
        }
    }
}
