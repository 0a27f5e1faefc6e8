// The edge as an AWS CDK app: an HTTP API with a JWT authorizer, the route, the function from the released zip, and the permissions.
// User pool, app client and core exist already; their names come from the context (docs/cdk.md).
import { App, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { CorsHttpMethod, HttpApi, HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Architecture, Code, Function, LoggingFormat, Runtime, SystemLogLevel } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';

const app = new App();
const context = (name) => {
  const value = app.node.tryGetContext(name);
  if (!value) throw new Error(`give ${name}: npx cdk deploy -c ${name}=…`);
  return value;
};

const stack = new Stack(app, 'InferenceEdge');
const origin = context('origin');
const core = Function.fromFunctionName(stack, 'Core', context('coreFunction'));

const edge = new Function(stack, 'Edge', {
  runtime: Runtime.PROVIDED_AL2023,
  architecture: Architecture.ARM_64,
  handler: 'bootstrap',
  code: Code.fromAsset(context('zip')),
  memorySize: 256,
  timeout: Duration.seconds(29), // longer than core's, shorter than the API's 30 s
  retryAttempts: 0, // Lambda would run a failed asynchronous invocation, and core with it, three times
  environment: {
    TARGET_LAMBDA_NAME: core.functionName,
    ALLOWED_ORIGINS: origin,
    REQUIRED_FIELDS: 'question',
  },
  loggingFormat: LoggingFormat.JSON,
  systemLogLevelV2: SystemLogLevel.INFO,
  logGroup: new LogGroup(stack, 'EdgeLog', { retention: RetentionDays.ONE_MONTH }),
});
core.grantInvoke(edge);

const api = new HttpApi(stack, 'Api', {
  corsPreflight: {
    allowOrigins: [origin],
    allowMethods: [CorsHttpMethod.POST],
    allowHeaders: ['content-type', 'authorization'],
    exposeHeaders: ['retry-after', 'server-timing', 'x-request-id'],
    maxAge: Duration.minutes(10),
  },
});
api.addRoutes({
  path: '/inference',
  methods: [HttpMethod.POST],
  integration: new HttpLambdaIntegration('EdgeIntegration', edge),
  authorizer: new HttpJwtAuthorizer('UserPoolTokens', `https://cognito-idp.${stack.region}.${stack.urlSuffix}/${context('userPoolId')}`, {
    jwtAudience: [context('userPoolClientId')],
  }),
});

new CfnOutput(stack, 'ApiUrl', { value: api.apiEndpoint });
