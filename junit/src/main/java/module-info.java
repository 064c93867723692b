/** JUnit tests that run under many schedules: {@link dev.sennit.junit.Schedules}. */
module dev.sennit.junit {
    requires transitive dev.sennit;
    requires transitive org.junit.jupiter.api;
    requires static org.jspecify;

    exports dev.sennit.junit;
}
