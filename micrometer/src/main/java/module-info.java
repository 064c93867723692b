/** Sennit's figures as Micrometer's meters: {@link dev.sennit.micrometer.SennitMetrics}. */
module dev.sennit.micrometer {
    requires transitive dev.sennit;
    requires transitive micrometer.core;
    requires static org.jspecify;

    exports dev.sennit.micrometer;
}
