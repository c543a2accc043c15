//! The elements that a message of Tencent Cloud Chat is made of.
//!
//! Their members are listed on Tencent's page about message formats, document 1047/33527.

use crate::command::{Kind, Member};
use crate::macros::objects::objects;
use crate::object::{FieldError, Object, Problem, Raw, Read, Text};
use crate::verdict::Json;

/// One element of a message: its type, and its content as received.
///
/// Unknown types of elements and unknown members survive a round trip byte for byte.
///
/// ```
/// # use callgate_catalogue as plugin_sdk;
/// use plugin_sdk::tencent_chat::{C2cBeforeSendMsg, Elem};
/// use plugin_sdk::{Error, Verdict};
///
/// fn mask(event: &C2cBeforeSendMsg<'_>) -> Result<Verdict, Error> {
///     let mut elems = Vec::new();
///     for elem in event.msg_body()? {
///         elems.push(match elem.text()? {
///             Some(text) if text.contains("secret") => elem.with_text(&text.replace("secret", "******")),
///             _ => Elem::from(&elem),
///         });
///     }
///     Ok(event.modify().msg_body(elems).into())
/// }
///
/// # use plugin_sdk::events::Event as _;
/// # let mut body = serde_json::json!([
/// #     { "MsgType": "TIMTextElem", "MsgContent": { "Text": "a secret", "New": 1 } },
/// #     { "MsgType": "TIMTomorrowElem", "MsgContent": { "Any": [] } },
/// # ]);
/// # let json = serde_json::json!({ "MsgBody": body }).to_string();
/// # let Verdict::Modify(changes) = mask(&C2cBeforeSendMsg::from_body(&json)?)? else { panic!("changes") };
/// # body[0]["MsgContent"]["Text"] = "a ******".into();
/// # assert_eq!(serde_json::from_str::<serde_json::Value>(changes.get("MsgBody").unwrap().as_str())?, body);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MsgElem<'a> {
    raw: Raw<'a>,
    body: Object<'a>,
}

impl<'a> Read<'a> for MsgElem<'a> {
    const KIND: Kind = ELEM;

    fn read(raw: Option<Raw<'a>>, name: &'static str) -> Result<Self, Problem> {
        let raw = raw.ok_or(Problem::Missing)?;
        <Object<'a> as Read<'a>>::read(Some(raw), name).map(|body| Self { raw, body })
    }
}

const ELEM: Kind =
    Kind::Open(&[Member { name: "MsgType", kind: Kind::Text }, Member { name: "MsgContent", kind: Kind::Any }]);

impl<'a> MsgElem<'a> {
    /// `MsgType`: `TIMTextElem`, `TIMCustomElem`, …
    ///
    /// # Errors
    /// If the member is missing or not text.
    pub fn msg_type(&self) -> Result<Text<'a>, FieldError> {
        self.body.read("MsgType")
    }

    /// The content, by the element's type; [`ElemContent::Unknown`] for unknown types.
    ///
    /// # Errors
    /// If the element has no type, or no content.
    pub fn content(&self) -> Result<ElemContent<'a>, FieldError> {
        let content = "MsgContent";
        Ok(match &*self.msg_type()? {
            "TIMTextElem" => ElemContent::Text(self.body.read(content)?),
            "TIMLocationElem" => ElemContent::Location(self.body.read(content)?),
            "TIMFaceElem" => ElemContent::Face(self.body.read(content)?),
            "TIMCustomElem" => ElemContent::Custom(self.body.read(content)?),
            "TIMSoundElem" => ElemContent::Sound(self.body.read(content)?),
            "TIMImageElem" => ElemContent::Image(self.body.read(content)?),
            "TIMFileElem" => ElemContent::File(self.body.read(content)?),
            "TIMVideoFileElem" => ElemContent::Video(self.body.read(content)?),
            "TIMStreamElem" => ElemContent::Stream(self.body.read(content)?),
            _ => ElemContent::Unknown(self.body.read(content)?),
        })
    }

    /// The element as received.
    #[must_use]
    pub fn raw(&self) -> Raw<'a> {
        self.raw
    }

    /// The text of a `TIMTextElem`; `None` for elements of other types.
    ///
    /// # Errors
    /// If the element has no type, or a text element no text.
    pub fn text(&self) -> Result<Option<Text<'a>>, FieldError> {
        if self.msg_type()? != "TIMTextElem" {
            return Ok(None);
        }
        self.body.read::<TextElem<'a>>("MsgContent")?.text().map(Some)
    }
}

impl MsgElem<'_> {
    /// This element with another text in its `MsgContent`; all other members stay as received.
    #[must_use]
    pub fn with_text(&self, text: &str) -> Elem {
        let Ok(content) = self.body.read::<Object<'_>>("MsgContent") else { return Elem::from(self) };
        let text = Json::infallible(text);
        let content = replaced(&content, "Text", text.as_str());
        Elem(Json::from_text(replaced(&self.body, "MsgContent", &content)))
    }
}

/// An object as received, except for one member.
fn replaced(object: &Object<'_>, name: &str, json: &str) -> String {
    let mut members: Vec<String> = object
        .members()
        .filter(|(known, _)| *known != name)
        .map(|(known, raw)| format!("{}:{}", Json::infallible(known).as_str(), raw.get()))
        .collect();
    members.push(format!("\"{name}\":{json}"));
    format!("{{{}}}", members.join(","))
}

/// One element of a message that replaces another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elem(Json);

impl Elem {
    /// A `TIMTextElem`.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::content("TIMTextElem", &[("Text", text)])
    }

    /// A `TIMCustomElem`; a message may hold one.
    #[must_use]
    pub fn custom(data: &str, desc: &str, ext: &str) -> Self {
        Self::content("TIMCustomElem", &[("Data", data), ("Desc", desc), ("Ext", ext)])
    }

    fn content(msg_type: &str, members: &[(&str, &str)]) -> Self {
        let content: serde_json::Map<String, serde_json::Value> =
            members.iter().map(|(name, text)| ((*name).to_owned(), (*text).into())).collect();
        Self(Json::infallible(&serde_json::json!({ "MsgType": msg_type, "MsgContent": content })))
    }
}

/// An element of the request, unchanged.
impl From<&MsgElem<'_>> for Elem {
    fn from(elem: &MsgElem<'_>) -> Self {
        Self(elem.raw.into())
    }
}

impl crate::events::NewValue for Elem {
    const KIND: Kind = ELEM;

    fn into_json(self) -> Json {
        self.0
    }
}

/// The content of an element, by its type.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ElemContent<'a> {
    /// `TIMTextElem`.
    Text(TextElem<'a>),
    /// `TIMLocationElem`.
    Location(LocationElem<'a>),
    /// `TIMFaceElem`.
    Face(FaceElem<'a>),
    /// `TIMCustomElem`.
    Custom(CustomElem<'a>),
    /// `TIMSoundElem`.
    Sound(SoundElem<'a>),
    /// `TIMImageElem`.
    Image(ImageElem<'a>),
    /// `TIMFileElem`.
    File(FileElem<'a>),
    /// `TIMVideoFileElem`.
    Video(VideoElem<'a>),
    /// `TIMStreamElem`.
    Stream(StreamElem<'a>),
    /// An unknown type: its content as received.
    Unknown(Raw<'a>),
}

objects! {
    /// Text.
    TextElem {
        /// The text.
        text: Text<'a> = "Text";
    }

    /// A location.
    LocationElem {
        /// What it is called.
        desc: Text<'a> = "Desc";
        /// Degrees; may have a fraction.
        latitude: Raw<'a> = "Latitude";
        /// Degrees; may have a fraction.
        longitude: Raw<'a> = "Longitude";
    }

    /// A sticker.
    FaceElem {
        /// Which one.
        index: i64 = "Index";
        /// The app's own data.
        data: Option<Text<'a>> = "Data";
    }

    /// The app's own content; a message holds at most one.
    CustomElem {
        /// The app's own data.
        data: Option<Text<'a>> = "Data";
        /// A description.
        desc: Option<Text<'a>> = "Desc";
        /// Further data, shown in a push.
        ext: Option<Text<'a>> = "Ext";
        /// The sound of a push.
        sound: Option<Text<'a>> = "Sound";
    }

    /// A voice message. Two versions of a mini-program SDK write its size as text.
    SoundElem {
        /// Where to download it.
        url: Option<Text<'a>> = "Url";
        /// ID of the file.
        uuid: Option<Text<'a>> = "UUID";
        /// Bytes.
        size: Option<i64> = "Size";
        /// Seconds.
        second: Option<i64> = "Second";
        /// 2: it is downloaded from `url`.
        download_flag: Option<i64> = "Download_Flag";
    }

    /// A picture in several sizes.
    ImageElem {
        /// ID of the picture.
        uuid: Option<Text<'a>> = "UUID";
        /// 1 JPG, 2 GIF, 3 PNG, 4 BMP, 255 other.
        image_format: Option<i64> = "ImageFormat";
        /// The sizes.
        image_info_array: Vec<ImageInfo<'a>> = "ImageInfoArray" or_empty;
    }

    /// One size of a picture.
    ImageInfo {
        /// 1 original, 2 large, 3 thumbnail.
        image_type: i64 = "Type";
        /// Bytes.
        size: Option<i64> = "Size";
        /// Pixels.
        width: Option<i64> = "Width";
        /// Pixels.
        height: Option<i64> = "Height";
        /// Where to download it.
        url: Option<Text<'a>> = "URL";
    }

    /// A file.
    FileElem {
        /// Where to download it.
        url: Option<Text<'a>> = "Url";
        /// ID of the file.
        uuid: Option<Text<'a>> = "UUID";
        /// Bytes.
        file_size: Option<i64> = "FileSize";
        /// Its name.
        file_name: Option<Text<'a>> = "FileName";
        /// 2: it is downloaded from `url`.
        download_flag: Option<i64> = "Download_Flag";
    }

    /// A video, and its thumbnail.
    VideoElem {
        /// Where to download it.
        video_url: Option<Text<'a>> = "VideoUrl";
        /// ID of the video.
        video_uuid: Option<Text<'a>> = "VideoUUID";
        /// Bytes.
        video_size: Option<i64> = "VideoSize";
        /// Seconds.
        video_second: Option<i64> = "VideoSecond";
        /// For example `mp4`.
        video_format: Option<Text<'a>> = "VideoFormat";
        /// 2: it is downloaded from `video_url`.
        video_download_flag: Option<i64> = "VideoDownloadFlag";
        /// Where to download the thumbnail.
        thumb_url: Option<Text<'a>> = "ThumbUrl";
        /// ID of the thumbnail.
        thumb_uuid: Option<Text<'a>> = "ThumbUUID";
        /// Bytes.
        thumb_size: Option<i64> = "ThumbSize";
        /// Pixels.
        thumb_width: Option<i64> = "ThumbWidth";
        /// Pixels.
        thumb_height: Option<i64> = "ThumbHeight";
        /// For example `JPG`.
        thumb_format: Option<Text<'a>> = "ThumbFormat";
        /// 2: it is downloaded from `thumb_url`.
        thumb_download_flag: Option<i64> = "ThumbDownloadFlag";
    }

    /// A message that arrives in pieces.
    StreamElem {
        /// Shown by clients that do not know this type.
        compatible_text: Option<Text<'a>> = "CompatibleText";
        /// The pieces, as received.
        chunks: Vec<Raw<'a>> = "Chunks" or_empty;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::NewValue;

    #[test]
    fn an_element_of_any_type_survives_byte_for_byte() {
        let body = r#"{"MsgBody":[{"MsgType":"TIMNewElem" , "MsgContent":{"A":1.0,"B":[ ]},"X":"\u00e9"},{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}]}"#;
        let body = Object::parse("demo", body).unwrap();
        let elems: Vec<MsgElem<'_>> = body.read("MsgBody").unwrap();
        let written: Vec<Elem> = elems.iter().map(Elem::from).collect();
        assert_eq!(written.into_json().as_str(), body.raw("MsgBody").unwrap().get());
        assert!(matches!(elems[0].content(), Ok(ElemContent::Unknown(raw)) if raw.get() == r#"{"A":1.0,"B":[ ]}"#));
        assert!(matches!(elems[1].content(), Ok(ElemContent::Text(text)) if text.text().unwrap() == "hi"));
    }

    #[test]
    fn a_number_that_came_as_text_is_read() {
        let body = r#"{"e":{"MsgType":"TIMSoundElem","MsgContent":{"Size":"1024","Second":3}}}"#;
        let elem: MsgElem<'_> = Object::parse("demo", body).unwrap().read("e").unwrap();
        let Ok(ElemContent::Sound(sound)) = elem.content() else { panic!("a voice message") };
        assert_eq!((sound.size(), sound.second()), (Ok(Some(1024)), Ok(Some(3))));
    }
}
