//! The caller of a function URL with `AWS_IAM`, as the member `requestContext.authorizer.iam` of an
//! event.

use serde_json::{Value, json};

use crate::aws::{ACCOUNT_ID, IDENTITY_POOL_ID, REGION, USER_POOL_ID};
use crate::credentials::{IssuedCredentials, Principal};

pub(super) fn iam(caller: &IssuedCredentials) -> Value {
    let id = match &caller.principal {
        Principal::Stack => "AIDALOCALDEVELOPER".to_owned(),
        Principal::ApiGateway => "AROALOCALAPIGATEWAY:apigateway".to_owned(),
        Principal::Function(name) => format!("AROALOCALFUNCTION:{name}"),
        Principal::CognitoIdentity { .. } => {
            "AROALOCALIDENTITY:CognitoIdentityCredentials".to_owned()
        }
    };
    json!({
        "accessKey": caller.credentials.access_key_id,
        "accountId": ACCOUNT_ID,
        "callerId": id,
        "cognitoIdentity": cognito_identity(&caller.principal),
        "principalOrgId": null,
        "userArn": caller.principal.arn(),
        "userId": id,
    })
}

fn cognito_identity(principal: &Principal) -> Value {
    let Principal::CognitoIdentity { identity_id, sub } = principal else {
        return Value::Null;
    };
    let provider = format!("cognito-idp.{REGION}.amazonaws.com/{USER_POOL_ID}");
    let amr = [
        "authenticated".to_owned(),
        provider.clone(),
        format!("{provider}:CognitoSignIn:{sub}"),
    ];
    json!({ "amr": amr, "identityId": identity_id, "identityPoolId": IDENTITY_POOL_ID })
}
