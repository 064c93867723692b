package dev.sennit.service;

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
        String name, int wanted, int ready, long generation, boolean isReloading, boolean isUp, String obstacle) {}
