//! Google's searches in the form of Anthropic's own web search: a call, its results, and citations of them.
//!
//! Google reports its searches at the end of an answer. The call and its results therefore follow the text here,
//! whereas Anthropic puts them before it. Fields that only Anthropic can read (`encrypted_content`, `encrypted_index`)
//! are empty.

use crate::protocol::rules::citations::{Sources, UrlCitation};
use crate::wire::json::push_string;

/// Returns the call's block up to its input, and the input.
pub fn call(id: &str, sources: &Sources) -> (String, Vec<u8>) {
    let mut input = br#"{"query":"#.to_vec();
    push_string(&mut input, &sources.queries().join("; "));
    input.push(b'}');
    (format!(r#"{{"type":"server_tool_use","id":"{id}","name":"web_search","input":"#), input)
}

/// Returns the block with the call's results.
pub fn results(id: &str, sources: &Sources) -> Vec<u8> {
    let mut block = format!(r#"{{"type":"web_search_tool_result","tool_use_id":"{id}","content":["#).into_bytes();
    for (number, page) in sources.pages().enumerate() {
        if number > 0 {
            block.push(b',');
        }
        block.extend_from_slice(br#"{"type":"web_search_result","title":"#);
        push_string(&mut block, &page.title);
        block.extend_from_slice(br#","url":"#);
        push_string(&mut block, &page.uri);
        block.extend_from_slice(br#","encrypted_content":"","page_age":null}"#);
    }
    block.extend_from_slice(b"]}");
    block
}

/// Returns a citation. Google reports the part of the answer that a page supports, not the page's own text, so
/// `cited_text` holds that part.
pub fn citation(cited: &UrlCitation<'_>) -> Vec<u8> {
    let mut citation = br#"{"type":"web_search_result_location","cited_text":"#.to_vec();
    push_string(&mut citation, cited.words);
    citation.extend_from_slice(br#","url":"#);
    push_string(&mut citation, cited.url);
    citation.extend_from_slice(br#","title":"#);
    push_string(&mut citation, cited.title);
    citation.extend_from_slice(br#","encrypted_index":""}"#);
    citation
}
