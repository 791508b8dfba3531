//! The same digits in each format give the same model, byte for byte.

use super::files::{
    SAMPLE, SAMPLES, calibrated, data, folder, gzip, idx, npy, numbers, safetensors, tensor, write, x_npy, zip,
};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// The same model as from the `.npy` file of the fixtures.
fn assert_same(folder: &TempDir, cases: &[(&str, Vec<String>)]) {
    let expected = calibrated(folder, &data(&x_npy()));
    for (name, flags) in cases {
        assert!(calibrated(folder, flags) == expected, "{name}");
    }
}

fn file(folder: &TempDir, name: &str, bytes: Vec<u8>) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("written");
    path
}

fn samples() -> Vec<Vec<u8>> {
    numbers().chunks_exact(SAMPLE).map(<[u8]>::to_vec).collect()
}

#[test]
fn arrays_in_one_file() {
    let folder = folder();
    let own = fs::read(x_npy()).expect("it is there");
    let labels = npy("<i8", false, "2,", &[0; 16]);
    let npz = file(&folder, "a.npz", zip(&[("y.npy", labels.clone()), ("input.npy", own.clone())]));
    let other = file(&folder, "b.npz", zip(&[("y.npy", labels), ("digits.npy", own.clone())]));
    let named = data(&PathBuf::from(format!("input={}", other.join("digits").display())));
    let digits = [SAMPLES as u32, 8, 8];
    assert_same(
        &folder,
        &[
            (".npz", data(&npz)),
            ("an array of an .npz", named),
            (".npy.gz", data(&file(&folder, "x.npy.gz", gzip(&own)))),
            ("safetensors", data(&file(&folder, "x.safetensors", safetensors("digits", "100,1,8,8", &numbers())))),
            ("IDX", data(&file(&folder, "images-idx3-float", idx(&digits, &numbers())))),
            ("IDX in gzip", data(&file(&folder, "images-idx3-float.gz", gzip(&idx(&digits, &numbers()))))),
            ("ONNX tensor", data(&file(&folder, "x.pb", tensor(&[100, 1, 8, 8], &numbers())))),
            ("raw", data(&file(&folder, "x.bin", numbers()))),
        ],
    );
}

#[test]
fn arrays_in_another_order() {
    let folder = folder();
    // Element by element, the samples together; and channels last, which for one channel moves nothing.
    let numbers = numbers();
    let element = |inner: usize, sample: usize| &numbers[sample * SAMPLE + inner * 4..][..4];
    // The first of the two inner axes is the faster one.
    let inner = (0..64).map(|place| place % 8 * 8 + place / 8);
    let fortran: Vec<u8> =
        inner.flat_map(|inner| (0..SAMPLES).flat_map(move |sample| element(inner, sample))).copied().collect();
    let big: Vec<u8> = numbers.as_chunks::<4>().0.iter().flat_map(|[a, b, c, d]| [*d, *c, *b, *a]).collect();
    let last = file(&folder, "last.npy", npy("<f4", false, "100, 8, 8, 1", &numbers));
    let moved = [data(&last), vec!["--from-layout".into(), "nhwc".into()]].concat();
    assert_same(
        &folder,
        &[
            ("Fortran order", data(&file(&folder, "f.npy", npy("<f4", true, "100, 1, 8, 8", &fortran)))),
            ("big-endian", data(&file(&folder, "b.npy", npy(">f4", false, "100, 1, 8, 8", &big)))),
            ("channels last", moved),
        ],
    );
}

#[test]
fn folders_of_files_in_natural_order() {
    let folder = folder();
    let each = |name: &dyn Fn(usize) -> String, bytes: &dyn Fn(&[u8]) -> Vec<u8>| {
        let file = |(index, sample): (usize, &Vec<u8>)| (name(index), bytes(sample));
        samples().iter().enumerate().map(file).collect::<Vec<_>>()
    };
    let one = |sample: &[u8]| npy("<f4", false, "1, 8, 8", sample);
    let arrays = write(&folder, "arrays", &each(&|index| format!("x{index}.npy"), &one));
    let archives =
        write(&folder, "archives", &each(&|index| format!("x{index}.npz"), &|sample| zip(&[("a.npy", one(sample))])));
    let raw = write(&folder, "raw", &each(&|index| format!("x{index}.raw"), &<[u8]>::to_vec));
    let list = raw.join("list.txt");
    fs::write(&list, (0..SAMPLES).map(|index| format!("x{index}.raw\n")).collect::<String>()).expect("written");
    let set = |index: usize| format!("test_data_set_{index}/input_0.pb");
    let sets = write(&folder, "sets", &each(&set, &|sample| tensor(&[1, 1, 8, 8], sample)));
    let halves: Vec<_> = numbers().chunks_exact(SAMPLE * SAMPLES / 2).map(<[u8]>::to_vec).collect();
    let batch = |(index, half): (usize, &Vec<u8>)| (format!("{index}.npy"), npy("<f4", false, "50, 1, 8, 8", half));
    let batches = write(&folder, "batches", &halves.iter().enumerate().map(batch).collect::<Vec<_>>());
    assert_same(
        &folder,
        &[
            ("a folder of samples", data(&arrays)),
            ("a folder of archives", data(&archives)),
            ("a folder of raw files", data(&raw)),
            ("a list of raw files", data(&list)),
            ("ONNX test data", data(&sets)),
            ("a folder of batches", data(&batches)),
        ],
    );
}
