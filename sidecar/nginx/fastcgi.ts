/** Parameters of FastCGI: those of NGINX's own `fastcgi_params`, without what tells where our files are. */
import { directive, parameter, variableOf, keyword, type Argument, type Directive } from '../syntax/directive.ts'

const VARIABLES = {
  QUERY_STRING: 'query_string',
  REQUEST_METHOD: 'request_method',
  CONTENT_TYPE: 'content_type',
  CONTENT_LENGTH: 'content_length',
  SCRIPT_NAME: 'fastcgi_script_name',
  SCRIPT_FILENAME: 'fastcgi_script_name',
  REQUEST_URI: 'request_uri',
  DOCUMENT_URI: 'document_uri',
  SERVER_PROTOCOL: 'server_protocol',
  REQUEST_SCHEME: 'scheme',
  REMOTE_ADDR: 'remote_addr',
  REMOTE_PORT: 'remote_port',
  SERVER_ADDR: 'server_addr',
  SERVER_PORT: 'server_port',
  SERVER_NAME: 'host',
} as const

/** Every parameter that a program gets unless the route says otherwise. */
export function fastcgiLines(): readonly Directive[] {
  const variables = Object.entries(VARIABLES).map(([name, variable]) => param(name, variableOf(variable)))
  return [
    ...variables,
    param('HTTPS', variableOf('https'), keyword('if_not_empty')),
    param('GATEWAY_INTERFACE', keyword('CGI/1.1')),
    param('SERVER_SOFTWARE', keyword('nginx')),
    // PHP does nothing without it.
    param('REDIRECT_STATUS', keyword('200')),
  ]
}

function param(name: string, ...value: readonly Argument[]): Directive {
  return directive('fastcgi_param', parameter(name), ...value)
}
