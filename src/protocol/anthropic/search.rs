//! What Google has looked up, as Anthropic's own web search tells it: a call, its results, and citations of them.
//!
//! Google tells it at the end of an answer. So the call and its results stand behind the text here, where Anthropic has them
//! before it. What only Anthropic can read (`encrypted_content`, `encrypted_index`) is empty.

use crate::protocol::rules::citations::{Sources, UrlCitation};
use crate::wire::json::push_string;

/// The call: its block without input, and the input.
pub fn call(id: &str, sources: &Sources) -> (String, Vec<u8>) {
    let mut input = br#"{"query":"#.to_vec();
    push_string(&mut input, &sources.queries().join("; "));
    input.push(b'}');
    (format!(r#"{{"type":"server_tool_use","id":"{id}","name":"web_search","input":"#), input)
}

/// The block of its results.
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

/// A citation. Google tells the words of the answer that a page bears out, and not the page's own.
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
