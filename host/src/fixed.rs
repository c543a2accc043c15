//! What of the settings only a restart changes: listeners, and what the sandbox is set up with.

use callgate_dialects::Table;
use callgate_sandbox::{CacheSettings, EngineLimits, LoadingLimits};

use crate::settings::{Admin, Journal, Server, Settings, Shadow, Sink};

/// The settings that are in force from the start of the process to its end.
#[derive(Debug, Clone)]
pub struct Fixed {
    /// The supported chat servers.
    pub chat_servers: &'static Table,
    /// Where and how callbacks are received.
    pub server: Server,
    /// The admin listener; `None`: no listener. With the token and networks that it was started with.
    pub admin: Option<Admin>,
    /// The limits of all guests together.
    pub engine: EngineLimits,
    /// Maximum part of `calls_at_once_max`, in percent, that one plugin may take.
    pub plugin_share_percent_max: usize,
    /// Limits for configuring and compiling one module in a child process.
    pub loading: LoadingLimits,
    /// Where compiled plugins are cached.
    pub cache: CacheSettings,
    /// What is stored on disk.
    pub journal: Journal,
    /// Where records go.
    pub sinks: Vec<Sink>,
    /// The keys whose values were given otherwise, such as with an argument: what the file says of them does not count.
    pub(crate) given: Vec<&'static str>,
}

impl Fixed {
    /// Of these settings.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Self {
            chat_servers: settings.chat_servers,
            server: settings.server.clone(),
            admin: settings.admin.clone(),
            engine: settings.limits.engine.clone(),
            plugin_share_percent_max: settings.limits.plugin_share_percent_max,
            loading: settings.loading,
            cache: settings.cache.clone(),
            journal: settings.journal.clone(),
            sinks: settings.sinks.clone(),
            given: settings.given.clone(),
        }
    }

    /// Puts these into settings that were read later than those `in_service`, so that they stay in force. Returns the
    /// keys that differ, and so take effect with a restart.
    pub(crate) fn keep(&self, settings: &mut Settings, in_service: &Settings) -> Vec<&'static str> {
        let keys = self.differ(settings);
        settings.server = Server { start: settings.server.start, ..self.server.clone() };
        // A token is checked for its address: if the address differs, all of [admin] waits for the restart.
        if self.differs_in_admin(settings) {
            settings.admin.clone_from(&in_service.admin);
        }
        settings.loading = self.loading;
        settings.cache = self.cache.clone();
        settings.journal = self.journal.clone();
        settings.sinks.clone_from(&self.sinks);
        settings.limits.plugin_share_percent_max = self.plugin_share_percent_max;
        settings.limits.engine =
            EngineLimits { memory_bytes_largest: settings.limits.engine.memory_bytes_largest, ..self.engine.clone() };
        let of_candidates = settings.shadows.iter_mut().filter_map(Shadow::plugin_mut);
        let of_plugins = settings.plugins.iter_mut().chain(of_candidates).map(|plugin| &mut plugin.limits);
        for limits in of_plugins.chain([&mut settings.limits.plugin]) {
            limits.table_elements_max = self.engine.table_elements_max;
        }
        keys
    }

    fn differ(&self, settings: &Settings) -> Vec<&'static str> {
        let mut keys = self.differ_in_server(&settings.server);
        // Destructured in full, so that a new key has to be considered here.
        let EngineLimits {
            calls_at_once_max,
            kept_instances_max,
            memory_bytes_largest: _,
            table_elements_max,
            memory_reset,
            fuel_per_ms,
        } = &settings.limits.engine;
        let engine = &self.engine;
        let others = [
            ("admin", self.differs_in_admin(settings)),
            ("limits.calls_at_once_max", *calls_at_once_max != engine.calls_at_once_max),
            ("limits.kept_instances_max", *kept_instances_max != engine.kept_instances_max),
            ("limits.table_elements_max", *table_elements_max != engine.table_elements_max),
            ("limits.memory_reset", *memory_reset != engine.memory_reset),
            ("limits.fuel_per_ms", *fuel_per_ms != engine.fuel_per_ms),
            (
                "limits.plugin_share_percent_max",
                settings.limits.plugin_share_percent_max != self.plugin_share_percent_max,
            ),
            ("loading", settings.loading != self.loading),
            ("cache", settings.cache != self.cache),
            ("journal", settings.journal != self.journal),
            ("sink", settings.sinks != self.sinks),
        ];
        keys.extend(others);
        let differs = |(key, differs): (&'static str, bool)| (differs && !self.given.contains(&key)).then_some(key);
        keys.into_iter().filter_map(differs).collect()
    }

    /// Whether the admin listener differs. Token and networks do not count: they are checked for each request.
    fn differs_in_admin(&self, settings: &Settings) -> bool {
        match (&self.admin, &settings.admin) {
            (Some(admin), Some(read)) => !read.listens_as(admin),
            (admin, read) => admin.is_some() != read.is_some(),
        }
    }

    fn differ_in_server(&self, settings: &Server) -> Vec<(&'static str, bool)> {
        // Destructured in full, so that a new key has to be considered here.
        let Server {
            listen,
            socket_mode,
            tls,
            tls_handshake_within,
            tls_handshakes_max,
            body_bytes_max,
            bodies_bytes_max,
            in_flight_max,
            connections_max,
            connections_per_address_max,
            head,
            head_within,
            body_bytes_per_second_min,
            idle_within,
            drain_delay,
            shutdown_within,
            // It counts for the next reload.
            start: _,
        } = settings;
        let server = &self.server;
        vec![
            ("server.listen", *listen != server.listen),
            ("server.socket_mode", *socket_mode != server.socket_mode),
            ("server.tls", *tls != server.tls),
            ("server.tls_handshake_within_ms", *tls_handshake_within != server.tls_handshake_within),
            ("server.tls_handshakes_max", *tls_handshakes_max != server.tls_handshakes_max),
            ("server.body_bytes_max", *body_bytes_max != server.body_bytes_max),
            ("server.bodies_bytes_max", *bodies_bytes_max != server.bodies_bytes_max),
            ("server.in_flight_max", *in_flight_max != server.in_flight_max),
            ("server.connections_max", *connections_max != server.connections_max),
            ("server.connections_per_address_max", *connections_per_address_max != server.connections_per_address_max),
            ("server.head_bytes_max", head.bytes_max != server.head.bytes_max),
            ("server.uri_bytes_max", head.uri_bytes_max != server.head.uri_bytes_max),
            ("server.headers_max", head.headers_max != server.head.headers_max),
            ("server.head_within_ms", *head_within != server.head_within),
            ("server.body_bytes_per_second_min", *body_bytes_per_second_min != server.body_bytes_per_second_min),
            ("server.drain_delay_ms", *drain_delay != server.drain_delay),
            ("server.idle_within_ms", *idle_within != server.idle_within),
            ("server.shutdown_within_ms", *shutdown_within != server.shutdown_within),
        ]
    }
}
