//! Images, and what is done to numbers.

use super::files::{SAMPLES, calibrate, calibrated, data, folder, npy, numbers, png, write};
use std::fs;

/// The digits as bytes: their numbers are sixteenths of 0 … 16.
fn bytes() -> Vec<u8> {
    let numbers = numbers();
    let numbers = numbers.as_chunks().0.iter().map(|number| f32::from_le_bytes(*number));
    numbers.map(|number| (number * 16.0).round().clamp(0.0, 255.0) as u8).collect()
}

fn flags(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn images_give_the_same_as_an_array_of_their_pixels() {
    let folder = folder();
    let image = |(index, pixels): (usize, &[u8])| (format!("{}/{index}.png", index / 50), png(8, 8, pixels));
    let images = write(&folder, "images", &bytes().chunks_exact(64).enumerate().map(image).collect::<Vec<_>>());
    let array = folder.path().join("x.npy");
    fs::write(&array, npy("|u1", false, "100, 8, 8", &bytes())).expect("written");
    for words in
        ["", "--preset zero-one", "--scale 1/16 --mean -1 --std 2", "--resize 8 --crop 8 --channels gray --layout nchw"]
    {
        let of = |path| calibrated(&folder, &[data(path), flags(words)].concat());
        assert!(of(&images) == of(&array), "{words}");
    }
    let plain = calibrated(&folder, &data(&array));
    assert!(calibrated(&folder, &[data(&array), flags("--scale 1/255")].concat()) != plain);
}

/// Each pixel four times: resized to a half, each is the mean of four equal ones.
#[test]
fn larger_images_are_resized_and_cropped() {
    let folder = folder();
    let doubled = |pixels: &[u8]| -> Vec<u8> { (0..256).map(|at| pixels[at / 32 * 8 + at % 16 / 2]).collect() };
    let exact: Vec<_> = (0..SAMPLES)
        .map(|index| (format!("{index}.png"), png(16, 16, &doubled(&bytes()[index * 64..][..64]))))
        .collect();
    let images = write(&folder, "images", &exact);
    let small = write(
        &folder,
        "small",
        &(0..SAMPLES)
            .map(|index| {
                let pixels = doubled(&bytes()[index * 64..][..64]);
                let middle = (4..12).flat_map(|row| pixels[row * 16 + 4..][..8].to_vec()).collect::<Vec<_>>();
                (format!("{index}.png"), png(8, 8, &middle))
            })
            .collect::<Vec<_>>(),
    );
    let cropped = calibrated(&folder, &[data(&images), flags("--crop 8x8")].concat());
    assert!(cropped == calibrated(&folder, &data(&small)));
    let resized = calibrated(&folder, &[data(&images), flags("--resize 8")].concat());
    assert!(resized == calibrated(&folder, &[data(&images), flags("--resize 8x8 --interpolation bilinear")].concat()));
    assert!(resized != cropped);
}

#[test]
fn what_was_done_is_told() {
    let folder = folder();
    let array = folder.path().join("x.npy");
    fs::write(&array, npy("|u1", false, "100, 8, 8", &bytes())).expect("written");
    let (result, _) = calibrate(&folder, "plain.onnx", &[data(&array), flags("--preset minus-one-one")].concat());
    let told = "input: a channel axis is added: [100, 1, 8, 8], (x × 0.00392157 − 0.5) / 0.5, uint8 to float";
    assert_eq!(result.json()["measured"]["preprocessing"], serde_json::json!([told]));
    let (plain, _) = calibrate(&folder, "plain.onnx", &data(&array));
    assert!(plain.json()["measured"]["preprocessing"][0].as_str().is_some_and(|text| text.ends_with("not scaled")));
}
