/** JUnit tests under many schedules and with real servers. */
module dev.sennit.junit {
    requires transitive dev.sennit;
    requires transitive org.junit.jupiter.api;
    requires static org.jspecify;

    exports dev.sennit.junit;
}
