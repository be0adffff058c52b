//! Where a call goes by other ways than the host that it asks, and whether it logs in there.

use super::{Facts, host_of};
use crate::lexicon::Lexicon;
use crate::print::Printer;
use crate::shell::Command;

/// Longest argument that is one host or address.
const MAX_ADDRESS: usize = 1024;

impl Facts {
    /// Notes of an argument whether it logs in, and whether it leads the call to a host outside
    /// although its key says so less surely than those of `host_keys`.
    pub(super) fn route(&mut self, key: &str, value: &str, lexicon: &Lexicon) {
        let secrets = &lexicon.secrets;
        let headers = |key: &str| {
            let names = || secrets.names_secret(value) || lexicon.usage.names_login(value);
            key.eq_ignore_ascii_case("headers") && names()
        };
        self.logs_in |= !value.is_empty()
            && (lexicon.usage.is_login_key(key) || secrets.names_secret(key) || headers(key));
        let host = || host_of(value).unwrap_or(value).to_ascii_lowercase();
        self.is_routed |= value.len() <= MAX_ADDRESS
            && lexicon.usage.is_route_key(key)
            && value.contains('.')
            && !value.contains(char::is_whitespace)
            && !lexicon.is_inside(&host());
    }

    /// Notes the hosts outside that a command's options and variables lead it over.
    pub(super) fn detour(&mut self, command: &Command, lexicon: &Lexicon, printer: &Printer) {
        let is_option = |option: &str| lexicon.usage.is_route_option(&command.program, option);
        let pairs = command.words.array_windows();
        let values = pairs.filter(|[option, _]| is_option(option));
        let values = values.flat_map(|[_, value]| match value.contains("://") {
            true => vec![value.as_str()],
            // `--connect-to host:port:host:port`.
            false => value.split(':').collect(),
        });
        for value in values.chain(command.proxies.iter().map(String::as_str)) {
            let host = host_of(value).or_else(|| value.split(':').next());
            let host = host.filter(|host| host.contains('.') && !lexicon.is_inside(host));
            if let Some(host) = host {
                self.host(host, lexicon, Some(printer));
            }
        }
    }
}
