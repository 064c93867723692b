package dev.sennit.service;

/**
 * The state of a service at a moment.
 *
 * @param name its name
 * @param wanted how many workers it is to have
 * @param ready how many are ready
 * @param generation the generation that workers are started with
 * @param isReloading whether workers are being replaced by those of another generation
 * @param isUp whether all wanted workers are ready, or have done their work
 * @param obstacle what keeps it from being up: the services that it waits for, or a reason that somebody has to see to;
 *     one line, empty if nothing is known
 */
public record ServiceStatus(
        String name, int wanted, int ready, long generation, boolean isReloading, boolean isUp, String obstacle) {}
