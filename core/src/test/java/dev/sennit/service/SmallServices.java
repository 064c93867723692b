package dev.sennit.service;

/** Services whose workers are small, and live too short for a compiler that takes long. */
final class SmallServices {
    private SmallServices() {}

    static ServiceSettings.Builder of(String name, Service service) {
        return small(ServiceSettings.of(name, service));
    }

    static ServiceSettings.Builder small(ServiceSettings.Builder service) {
        return service.heap("32m").jvmOptions("-XX:TieredStopAtLevel=1");
    }
}
