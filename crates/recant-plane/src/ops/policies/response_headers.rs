//! The managed response headers policies, as the API shows them.
//!
//! Ids and settings: CloudFront Developer Guide, "Use managed response headers policies".

use recant_wire::document::Document;
use serde_json::{Value, json};

use super::Shown;

/// Every managed one, by id.
pub(super) fn managed() -> Vec<Shown> {
    let shown = |id: &str, name: &str, cors: Option<Value>, is_secure: bool| {
        let mut config = json!({"Comment": "", "Name": name});
        if let Some(cors) = cors {
            config["CorsConfig"] = cors;
        }
        if is_secure {
            config["SecurityHeadersConfig"] = security();
        }
        super::managed(id, Document::from(config))
    };
    vec![
        shown(
            "5cc3b908-e619-4b99-88e5-2cf7f45965bd",
            "Managed-CORS-With-Preflight",
            Some(cors_with_preflight()),
            false,
        ),
        shown("60669652-455b-4ae9-85a4-c4c02393f86c", "Managed-SimpleCORS", Some(simple_cors()), false),
        shown("67f7725c-6f97-4210-82d7-5512b31e9d03", "Managed-SecurityHeadersPolicy", None, true),
        shown(
            "e61eb60c-9c35-4d20-a928-2b84e02af89c",
            "Managed-CORS-and-SecurityHeadersPolicy",
            Some(simple_cors()),
            true,
        ),
        shown(
            "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
            "Managed-CORS-with-preflight-and-SecurityHeadersPolicy",
            Some(cors_with_preflight()),
            true,
        ),
    ]
}

fn listed(items: &[&str]) -> Value {
    json!({"Quantity": items.len(), "Items": items})
}

fn simple_cors() -> Value {
    json!({
        "AccessControlAllowOrigins": listed(&["*"]),
        "AccessControlAllowHeaders": listed(&["*"]),
        "AccessControlAllowMethods": listed(&["GET", "HEAD"]),
        "AccessControlAllowCredentials": false,
        "OriginOverride": false,
    })
}

fn cors_with_preflight() -> Value {
    json!({
        "AccessControlAllowOrigins": listed(&["*"]),
        "AccessControlAllowHeaders": listed(&["*"]),
        "AccessControlAllowMethods": listed(&["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]),
        "AccessControlAllowCredentials": false,
        "AccessControlExposeHeaders": listed(&["*"]),
        "OriginOverride": false,
    })
}

fn security() -> Value {
    json!({
        "XSSProtection": {"Override": false, "Protection": true, "ModeBlock": true},
        "FrameOptions": {"Override": false, "FrameOption": "SAMEORIGIN"},
        "ReferrerPolicy": {"Override": false, "ReferrerPolicy": "strict-origin-when-cross-origin"},
        "ContentTypeOptions": {"Override": true},
        "StrictTransportSecurity": {"Override": false, "AccessControlMaxAgeSec": 31_536_000},
    })
}
