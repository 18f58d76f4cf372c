//! From the bytes of a picture to small ones.

use std::io::Cursor;

use image::imageops::{FilterType, resize};
use image::{DynamicImage, ImageFormat, ImageReader, Limits, RgbaImage};

/// The sizes that are made, in pixels of the longer side.
pub const SIZES_PX: [u32; 3] = [32, 64, 128];
/// The longest side that is decoded.
const SIDE_MAX: u32 = 4_096;
/// The most memory that decoding may take.
const ALLOC_MAX: u64 = 64 << 20;

/// A token's logo in small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// One for each of [`SIZES_PX`], in their order.
    pub pictures: Vec<Picture>,
}

/// A small picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The size that it stands for; its longer side, where the original was as large.
    pub size_px: u32,
    /// As PNG.
    pub png: Vec<u8>,
}

/// Why bytes are no logo. Trying again with the same bytes ends the same.
#[derive(Debug, thiserror::Error)]
pub enum NotALogo {
    /// Neither PNG nor JPEG, WebP or GIF, by the first bytes.
    #[error("it is no PNG, JPEG, WebP or GIF")]
    Type,
    /// Wider or higher than is decoded.
    #[error("the picture is {width} × {height} pixels; at most {SIDE_MAX} each are accepted")]
    Dimensions {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// It begins like a picture but is none, or takes too much memory.
    #[error("the picture cannot be decoded: {0}")]
    Broken(String),
}

impl Logo {
    /// Decodes and downscales on a worker thread; a dropped future leaves the work to end by itself.
    ///
    /// # Errors
    /// [`NotALogo`]
    pub async fn decode(bytes: Vec<u8>) -> Result<Self, NotALogo> {
        let decoding = tokio::task::spawn_blocking(move || decode(&bytes));
        decoding.await.unwrap_or_else(|panic| Err(NotALogo::Broken(panic.to_string())))
    }
}

fn decode(bytes: &[u8]) -> Result<Logo, NotALogo> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(broken)?;
    let known = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif];
    if !reader.format().is_some_and(|format| known.contains(&format)) {
        return Err(NotALogo::Type);
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(ALLOC_MAX);
    reader.limits(limits);
    let (width, height) = dimensions(bytes)?;
    if width == 0 || height == 0 || width > SIDE_MAX || height > SIDE_MAX {
        return Err(NotALogo::Dimensions { width, height });
    }
    let original = premultiplied(reader.decode().map_err(broken)?);
    let pictures = SIZES_PX.iter().map(|size_px| picture(&original, *size_px)).collect::<Result<_, _>>()?;
    Ok(Logo { pictures })
}

fn dimensions(bytes: &[u8]) -> Result<(u32, u32), NotALogo> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(broken)?;
    reader.into_dimensions().map_err(broken)
}

fn broken(error: impl std::fmt::Display) -> NotALogo {
    NotALogo::Broken(error.to_string())
}

fn picture(original: &RgbaImage, size_px: u32) -> Result<Picture, NotALogo> {
    let (width, height) = original.dimensions();
    let longer = width.max(height);
    let small = if longer <= size_px {
        original.clone()
    } else {
        let side = |pixels: u32| (u64::from(pixels) * u64::from(size_px)).div_ceil(u64::from(longer)) as u32;
        resize(original, side(width).max(1), side(height).max(1), FilterType::CatmullRom)
    };
    let mut png = Cursor::new(Vec::new());
    straight(small).write_to(&mut png, ImageFormat::Png).map_err(broken)?;
    Ok(Picture { size_px, png: png.into_inner() })
}

/// What is transparent must not lend its hidden colour to its neighbours while pixels are averaged.
fn premultiplied(image: DynamicImage) -> RgbaImage {
    let mut pixels = image.into_rgba8();
    for pixel in pixels.pixels_mut() {
        let alpha = u16::from(pixel[3]);
        for channel in 0..3 {
            pixel[channel] = (u16::from(pixel[channel]) * alpha).div_ceil(255) as u8;
        }
    }
    pixels
}

fn straight(mut pixels: RgbaImage) -> RgbaImage {
    for pixel in pixels.pixels_mut().filter(|pixel| pixel[3] > 0) {
        let alpha = u16::from(pixel[3]);
        for channel in 0..3 {
            pixel[channel] = (u16::from(pixel[channel]) * 255 / alpha).min(255) as u8;
        }
    }
    pixels
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::{ImageEncoder, Rgba};

    use super::*;

    fn encoded(image: &RgbaImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let image = DynamicImage::ImageRgba8(image.clone());
        match format {
            ImageFormat::Jpeg => image.to_rgb8().write_to(&mut bytes, format).unwrap(),
            _ => image.write_to(&mut bytes, format).unwrap(),
        }
        bytes.into_inner()
    }

    fn sizes(logo: &Logo) -> Vec<(u32, u32)> {
        let read = |picture: &Picture| image::load_from_memory(&picture.png).unwrap().to_rgba8().dimensions();
        logo.pictures.iter().map(read).collect()
    }

    #[test]
    fn every_accepted_type_becomes_three_small_pngs_of_its_proportions() {
        let image = RgbaImage::from_pixel(200, 100, Rgba([200, 30, 30, 255]));
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
            let logo = decode(&encoded(&image, format)).unwrap();
            assert_eq!(sizes(&logo), [(32, 16), (64, 32), (128, 64)], "{format:?}");
        }
    }

    #[test]
    fn a_small_picture_is_not_blown_up() {
        let logo = decode(&encoded(&RgbaImage::new(48, 48), ImageFormat::Png)).unwrap();
        assert_eq!(sizes(&logo), [(32, 32), (48, 48), (48, 48)]);
        let line = decode(&encoded(&RgbaImage::new(4096, 1), ImageFormat::Png)).unwrap();
        assert_eq!(sizes(&line)[0], (32, 1));
    }

    #[test]
    fn a_hidden_colour_does_not_shine_through() {
        // Left opaque white, right fully transparent black.
        let image = RgbaImage::from_fn(256, 256, |x, _| {
            if x < 128 { Rgba([255, 255, 255, 255]) } else { Rgba([0, 0, 0, 0]) }
        });
        let logo = decode(&encoded(&image, ImageFormat::Png)).unwrap();
        let small = image::load_from_memory(&logo.pictures[0].png).unwrap().to_rgba8();
        for pixel in small.pixels().filter(|pixel| pixel[3] > 8) {
            assert!(pixel[0] > 240, "{pixel:?} is darker than anything that was visible");
        }
    }

    #[test]
    fn what_is_no_picture_says_why() {
        assert!(matches!(decode(b"<svg onload='x'/>"), Err(NotALogo::Type)));
        assert!(matches!(decode(b""), Err(NotALogo::Type)));
        let mut cut = encoded(&RgbaImage::new(100, 100), ImageFormat::Png);
        cut.truncate(cut.len() / 2);
        assert!(matches!(decode(&cut), Err(NotALogo::Broken(_))));
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_decoded() {
        // 60,000 × 60,000 pixels in its header, and next to nothing behind it.
        let mut bytes = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        encoder.write_image(&[0; 4], 1, 1, image::ExtendedColorType::Rgba8).unwrap();
        bytes[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        bytes[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        let crc = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        let refused = decode(&bytes).unwrap_err();
        assert!(
            matches!(refused, NotALogo::Dimensions { width: 60_000, .. } | NotALogo::Broken(_)),
            "{refused}"
        );
    }

    /// As PNG has it: reflected, polynomial 0xEDB88320.
    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
        })
    }
}
