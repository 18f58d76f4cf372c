use std::{collections::HashMap, io::Cursor};

use anyhow::Context;

/// Red, green and blue.
pub type Colour = [u8; 3];

/// A screenshot, pixel by pixel.
pub struct Picture {
    width: usize,
    pixels: Vec<Colour>,
}

impl Picture {
    /// Reads a PNG file.
    ///
    /// # Errors
    /// Fails where it is none with eight bits a channel.
    pub fn read(png: &[u8]) -> anyhow::Result<Self> {
        let mut decoder = png::Decoder::new(Cursor::new(png));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let mut bytes = vec![0; reader.output_buffer_size().context("a picture of this size")?];
        let info = reader.next_frame(&mut bytes)?;
        let samples = info.color_type.samples();
        anyhow::ensure!(samples >= 3, "the picture has no colours");
        let pixels =
            bytes[..info.buffer_size()].chunks_exact(samples).map(|at| [at[0], at[1], at[2]]).collect();
        Ok(Self { width: info.width as usize, pixels })
    }

    /// The part of it with this left and top edge, width and height.
    ///
    /// # Errors
    /// Fails where that is not within the picture.
    pub fn cut(&self, [left, top, width, height]: [usize; 4]) -> anyhow::Result<Self> {
        let rows = self.pixels.chunks_exact(self.width.max(1)).skip(top).take(height);
        let cut: Vec<&[Colour]> = rows.filter_map(|row| row.get(left..left + width)).collect();
        anyhow::ensure!(
            cut.len() == height && height > 0,
            "{left},{top} {width}×{height} is not all in the picture"
        );
        Ok(Self { width, pixels: cut.concat() })
    }

    /// The share of the most frequent colour: near 1 where nothing was drawn.
    pub fn uniformity(&self) -> f64 {
        let mut counts = HashMap::<Colour, usize>::new();
        for pixel in &self.pixels {
            *counts.entry(*pixel).or_default() += 1;
        }
        let most = counts.values().max().copied().unwrap_or(0);
        most as f64 / self.pixels.len().max(1) as f64
    }

    /// The most frequent colour.
    pub fn background(&self) -> Colour {
        let mut counts = HashMap::<Colour, usize>::new();
        for pixel in &self.pixels {
            *counts.entry(*pixel).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map_or([0; 3], |(colour, _)| colour)
    }

    /// How many pixels have a colour of their own.
    pub fn coloured(&self) -> usize {
        self.pixels.iter().filter(|pixel| is_coloured(**pixel)).count()
    }

    /// The share of columns in which this colour appears: near 1 for a line from edge to edge.
    pub fn columns_with(&self, colour: Colour) -> f64 {
        let found = (0..self.width)
            .filter(|x| self.pixels.iter().skip(*x).step_by(self.width).any(|pixel| is_near(*pixel, colour)));
        found.count() as f64 / self.width.max(1) as f64
    }
}

/// Text, grid and background are nearly grey; what stands for data is not.
fn is_coloured(pixel: Colour) -> bool {
    let [red, green, blue] = pixel;
    red.max(green).max(blue) - red.min(green).min(blue) > 50
}

/// Lines are smoothed into the background: what is mostly the colour counts.
fn is_near(pixel: Colour, colour: Colour) -> bool {
    pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 40)
}
