package dev.sennit.service;

import java.util.Map;

/**
 * The state of a service at a moment.
 *
 * @param name its name
 * @param wanted the number of workers that is set
 * @param ready how many are ready
 * @param generation the generation that workers are started with
 * @param isReloading whether workers are being replaced by those of another generation
 * @param isUp whether all wanted workers are ready, or have done their work
 * @param obstacle why the service is not up: the services that it waits for, or a problem that needs intervention; one
 *     line, empty if there is no known reason
 */
public record ServiceStatus(
        String name, int wanted, int ready, long generation, boolean isReloading, boolean isUp, String obstacle) {
    /**
     * What the workers of a generation of a service have told of themselves, by {@link ServiceWorker#figures}.
     *
     * @param service the service
     * @param generation the generation
     * @param sums sums over all its processes, by name; they never fall
     * @param gauges sums over the processes that run, by name
     * @param deaths how many processes have died, by cause: {@code exit}, {@code signal}, {@code heartbeat}, {@code
     *     start} for one that did not become ready, {@code launch} for one that could not be started
     */
    public record Figures(
            String service, long generation, Map<String, Long> sums, Map<String, Long> gauges,
            Map<String, Long> deaths) {}
}
