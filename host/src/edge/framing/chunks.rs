//! The chunks of a body whose length is not known before.

/// Where in a chunked body the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunks {
    at: At,
    /// Of the chunk: its size, or what of it is still to come.
    bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first digit of a size.
    Size,
    /// After at least one digit.
    MoreSize,
    /// After the size.
    Extension,
    /// After the carriage return of the line with the size.
    SizeEnd,
    Data,
    /// After the data.
    DataReturn,
    DataEnd,
    /// At the start of a line after the last chunk.
    Trailer,
    /// In such a line.
    InTrailer,
    /// After a carriage return in such a line.
    TrailerEnd,
    /// After the carriage return of the empty line.
    LastEnd,
    /// After the whole body.
    Over,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { at: At::Size, bytes: 0 }
    }
}

impl Chunks {
    /// Takes bytes up to the end of the body: how many, and whether that is its end. The error is the index of a byte
    /// that cannot be there.
    pub(super) fn arrived(&mut self, bytes: &[u8]) -> Result<(usize, bool), usize> {
        let mut index = 0;
        while let Some(byte) = bytes.get(index) {
            if self.at == At::Data {
                let taken = usize::try_from(self.bytes).unwrap_or(usize::MAX).min(bytes.len() - index);
                index += taken;
                self.bytes -= taken as u64;
                if self.bytes == 0 {
                    self.at = At::DataReturn;
                }
                continue;
            }
            self.at = self.next(*byte).ok_or(index)?;
            index += 1;
            if self.at == At::Over {
                return Ok((index, true));
            }
        }
        Ok((index, false))
    }

    fn next(&mut self, byte: u8) -> Option<At> {
        match (self.at, byte) {
            (At::Size | At::MoreSize, _) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16)?;
                self.bytes = self.bytes.checked_mul(16)?.checked_add(digit.into())?;
                Some(At::MoreSize)
            }
            (At::MoreSize, b';' | b' ' | b'\t') => Some(At::Extension),
            (At::MoreSize | At::Extension, b'\r') => Some(At::SizeEnd),
            (At::Extension, b'\n') => None,
            (At::Extension, _) => Some(At::Extension),
            (At::SizeEnd, b'\n') if self.bytes == 0 => Some(At::Trailer),
            (At::SizeEnd, b'\n') => Some(At::Data),
            (At::DataReturn, b'\r') => Some(At::DataEnd),
            (At::DataEnd, b'\n') => Some(At::Size),
            (At::Trailer, b'\r') => Some(At::LastEnd),
            (At::LastEnd, b'\n') => Some(At::Over),
            (At::Trailer | At::InTrailer, b'\n') => None,
            (At::InTrailer, b'\r') => Some(At::TrailerEnd),
            (At::Trailer | At::InTrailer, _) => Some(At::InTrailer),
            (At::TrailerEnd, b'\n') => Some(At::Trailer),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_in_whatever_pieces_it_arrives() {
        let body = b"4\r\nwiki\r\n00A ; x=\"y\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nPOST ";
        let end = body.len() - 5;
        for piece in 1..body.len() {
            let (mut chunks, mut at) = (Chunks::default(), 0);
            loop {
                let (taken, is_over) = chunks.arrived(&body[at..body.len().min(at + piece)]).unwrap();
                at += taken;
                if is_over {
                    break;
                }
            }
            assert_eq!(at, end, "in pieces of {piece}");
        }
    }

    #[test]
    fn what_cannot_be_there_is_found() {
        for (body, wrong) in [
            (&b"\r\n"[..], 0),
            (b"4\nwiki", 1),
            (b"4;x\nwiki", 3),
            (b"g\r\n", 0),
            (b"1\r\nab\r\n", 4),
            (b"1\r\na\n", 4),
            (b"0\r\n\n", 3),
            (b"0\r\na\n", 4),
            (b"fffffffffffffffff\r\n", 16),
        ] {
            assert_eq!(Chunks::default().arrived(body), Err(wrong), "{}", String::from_utf8_lossy(body));
        }
    }
}
