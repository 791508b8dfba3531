//! PNG, JPEG, BMP and WebP.
//!
//! One decoder for each, none of which may take more memory than the largest image does, and whose
//! panics are errors: images come from anywhere.

use super::pixels::Image;
use crate::engine::guarded;
use image_webp::WebPDecoder;
use png::{ColorType, Limits, Transformations};
use std::io::Cursor;
use zune_bmp::BmpDecoder;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// No image has more pixels.
const MOST_PIXELS: usize = 1 << 27;

/// No image is longer, in pixels.
const LONGEST_SIDE: usize = 1 << 16;

/// The kinds of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Png,
    Jpeg,
    Bmp,
    Webp,
}

impl Kind {
    /// What a file that begins so is.
    fn of(start: &[u8]) -> Option<Kind> {
        Some(match start {
            [0x89, b'P', b'N', b'G', ..] => Kind::Png,
            [0xff, 0xd8, 0xff, ..] => Kind::Jpeg,
            [b'B', b'M', ..] => Kind::Bmp,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Kind::Webp,
            _ => return None,
        })
    }
}

/// Whether a file that begins so is an image.
pub fn is_image(start: &[u8]) -> bool {
    Kind::of(start).is_some()
}

/// The image in a file: what it is, its content tells. More than 8 bits per channel lose the lower ones;
/// of an animation, the first image counts. Turns that a camera noted are not made.
///
/// # Errors
/// When it is none that can be decoded, or is beyond reason.
pub fn decode(bytes: &[u8]) -> Result<Image, String> {
    let kind = Kind::of(bytes).ok_or("it is no PNG, JPEG, BMP or WebP image")?;
    let decoded = guarded(|| match kind {
        Kind::Png => png(bytes),
        Kind::Jpeg => jpeg(bytes),
        Kind::Bmp => bmp(bytes),
        Kind::Webp => webp(bytes),
    });
    let image = decoded.unwrap_or_else(Err).map_err(|what| format!("it is a damaged {kind:?} image: {what}"))?;
    let bytes = image.height * image.width * image.channels;
    if bytes == 0 || bytes != image.pixels.len() {
        return Err(format!("it is a damaged {kind:?} image: it has {} bytes of {bytes}", image.pixels.len()));
    }
    Ok(image)
}

/// Checks a size, before memory is taken for it.
fn checked(height: usize, width: usize) -> Result<(usize, usize), String> {
    let pixels = height.checked_mul(width).filter(|pixels| *pixels <= MOST_PIXELS && height.max(width) <= LONGEST_SIDE);
    pixels.map(|_| (height, width)).ok_or_else(|| format!("{height}×{width} pixels are beyond reason"))
}

fn png(bytes: &[u8]) -> Result<Image, String> {
    let failed = |error: png::DecodingError| error.to_string();
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: 4 * MOST_PIXELS });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(failed)?;
    let (height, width) = checked(header.height as usize, header.width as usize)?;
    let mut reader = decoder.read_info().map_err(failed)?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or("it is too large")?];
    let frame = reader.next_frame(&mut pixels).map_err(failed)?;
    let channels = match frame.color_type {
        ColorType::Grayscale => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb => 3,
        ColorType::Rgba => 4,
        ColorType::Indexed => return Err("its palette was not looked up".into()),
    };
    pixels.truncate(frame.buffer_size());
    Ok(Image { height, width, channels, pixels })
}

fn options() -> DecoderOptions {
    DecoderOptions::default().set_max_width(LONGEST_SIDE).set_max_height(LONGEST_SIDE)
}

fn jpeg(bytes: &[u8]) -> Result<Image, String> {
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options());
    decoder.decode_headers().map_err(|error| error.to_string())?;
    let info = decoder.info().ok_or("it has no header")?;
    let (height, width) = checked(info.height.into(), info.width.into())?;
    let is_gray = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let (channels, colors) = if is_gray { (1, ColorSpace::Luma) } else { (3, ColorSpace::RGB) };
    decoder.set_options(options().jpeg_set_out_colorspace(colors));
    let pixels = decoder.decode().map_err(|error| error.to_string())?;
    Ok(Image { height, width, channels, pixels })
}

fn bmp(bytes: &[u8]) -> Result<Image, String> {
    let mut decoder = BmpDecoder::new_with_options(ZCursor::new(bytes), options());
    decoder.decode_headers().map_err(|error| format!("{error:?}"))?;
    let (width, height) = decoder.dimensions().ok_or("it has no header")?;
    let (height, width) = checked(height, width)?;
    let channels = decoder.colorspace().ok_or("it has no colours")?.num_components();
    let pixels = decoder.decode().map_err(|error| format!("{error:?}"))?;
    Ok(Image { height, width, channels, pixels })
}

fn webp(bytes: &[u8]) -> Result<Image, String> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    decoder.set_memory_limit(4 * MOST_PIXELS);
    let (width, height) = decoder.dimensions();
    let (height, width) = checked(height as usize, width as usize)?;
    let mut pixels = vec![0; decoder.output_buffer_size().ok_or("it is too large")?];
    decoder.read_image(&mut pixels).map_err(|error| error.to_string())?;
    Ok(Image { height, width, channels: if decoder.has_alpha() { 4 } else { 3 }, pixels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What Pillow 13 makes of 2 × 3 pixels: `image.save(file, format)`, WebP with `lossless=True,
    /// quality=100, exact=True`, the one with a palette by `convert("P", palette=ADAPTIVE, colors=8)`.
    const PIXELS: [u8; 18] = [223, 9, 120, 133, 209, 108, 184, 115, 60, 104, 29, 172, 253, 21, 233, 89, 70, 217];
    const PNG: &str = "89504e470d0a1a0a0000000d49484452000000030000000208020000001216f14d0000001d49444154789c63bccf59b1ecc417e34517183264d7fc157d19e9761300658d0a0d3bb6bcc00000000049454e44ae426082";
    const RGBA_PNG: &str = "89504e470d0a1a0a0000000d49484452000000030000000208060000009d74661a0000002349444154789c63bccf59f17fd9892f0cc68b2e303064c8aef9ff57f4e5ff48b79bff01ae330e097c8616760000000049454e44ae426082";
    const PALETTE_PNG: &str = "89504e470d0a1a0a0000000d49484452000000030000000204030000006f5a7b2900000012504c544585d16cb8733c5946d9681dacfd15e9df09781a17e62d0000000e49444154789c630810607a22000003b401571f4f62ac0000000049454e44ae426082";
    const GRAY_PNG: &str = "89504e470d0a1a0a0000000d4948445200000003000000020800000000b81f39c60000001049444154789c63b8cf59c1b4ecc417000d2d03c5b7ecf04a0000000049454e44ae426082";
    const BMP: &str = "424d4e0000000000000036000000280000000300000002000000010018000000000018000000c40e0000c40e00000000000000000000ac1d68e915fdd946590000007809df6cd1853c73b8000000";
    const WEBP: &str = "524946464c000000574542505650384c400000002f024000002fa0908d248862215e93053fa08321c8b6419dddc07e82033c210b30219ac35c028ab33f80f90f7c3f75de2a0e25a0206d0316774fc822fa1f5f0a";
    /// 8 × 8 pixels of one colour, `quality=90, optimize=True`: (200, 100, 50), gray 77, and CMYK
    /// (10, 100, 200, 30), which Pillow takes for RGB (216, 137, 49).
    const JPEG: &str = "ffd8ffe000104a46494600010100000100010000ffdb0043000302020302020303030304030304050805050404050a070706080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffdb00430103040405040509050509140d0b0d1414141414141414141414141414141414141414141414141414141414141414141414141414141414141414141414141414ffc00011080008000803012200021101031101ffc4001500010100000000000000000000000000000004ffc40014100100000000000000000000000000000000ffc4001501010100000000000000000000000000000708ffc40014110100000000000000000000000000000000ffda000c03010002110311003f0090007a907fffd9";
    const GRAY_JPEG: &str = "ffd8ffe000104a46494600010100000100010000ffdb0043000302020302020303030304030304050805050404050a070706080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffc0000b080008000801011100ffc40014000100000000000000000000000000000008ffc40014100100000000000000000000000000000000ffda0008010100003f003bbfffd9";
    const CMYK_JPEG: &str = "ffd8ffee000e41646f626500640000000000ffdb0043000201010101010201010102020202020403020202020504040304060506060605060606070908060709070606080b08090a0a0a0a0a06080b0c0b0a0c090a0a0affc000140800080008044311004d11005911004b1100ffc4001500010100000000000000000000000000000907ffc40014100100000000000000000000000000000000ffda000e0443004d0059004b00003f007516c1b6611fffd9";

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |byte: u8| (byte as char).to_digit(16).expect("a digit") as u8;
        hex.as_bytes().as_chunks().0.iter().map(|[high, low]| digit(*high) << 4 | digit(*low)).collect()
    }

    #[test]
    fn what_loses_nothing_is_decoded_to_the_same_pixels() {
        for hex in [PNG, RGBA_PNG, PALETTE_PNG, BMP, WEBP] {
            let image = decode(&bytes(hex)).expect("decoded").with(crate::data::image::Channels::Rgb);
            assert_eq!((image.height, image.width, &image.pixels[..]), (2, 3, &PIXELS[..]), "{hex}");
        }
        let gray = decode(&bytes(GRAY_PNG)).expect("decoded");
        assert_eq!((gray.channels, gray.pixels), (1, vec![223, 9, 120, 133, 209, 108]));
    }

    #[test]
    fn jpeg_is_decoded_to_within_its_rounding() {
        for (hex, expected) in [(JPEG, &[200, 100, 50][..]), (GRAY_JPEG, &[77]), (CMYK_JPEG, &[216, 137, 49])] {
            let image = decode(&bytes(hex)).expect("decoded");
            assert_eq!((image.height, image.width, image.channels), (8, 8, expected.len()));
            for pixel in image.pixels.chunks_exact(expected.len()) {
                assert!(pixel.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= 1), "{pixel:?}");
            }
        }
    }

    #[test]
    fn sizes_beyond_reason_and_other_files_are_refused() {
        let mut large = bytes(PNG);
        large[16..20].copy_from_slice(&70_000u32.to_be_bytes());
        assert!(decode(&large).is_err());
        let mut bmp = bytes(BMP);
        bmp[18..26].copy_from_slice(&[0, 0, 1, 0, 0, 0, 1, 0]);
        assert!(decode(&bmp).expect_err("refused").contains("beyond reason"));
        assert!(decode(b"GIF89a").expect_err("refused").contains("no PNG"));
        for hex in [PNG, BMP, WEBP, JPEG] {
            let bytes = bytes(hex);
            (0..bytes.len() / 2).for_each(|end| assert!(decode(&bytes[..end]).is_err(), "{end} bytes of {hex}"));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(kind in 0usize..7, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            let mut bytes = bytes([PNG, PALETTE_PNG, GRAY_PNG, BMP, WEBP, JPEG, CMYK_JPEG][kind]);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = decode(&bytes);
        }
    }
}
