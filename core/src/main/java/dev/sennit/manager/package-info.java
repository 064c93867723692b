/**
 * Objects that live in one process, and that others use through proxies, here or on other machines: {@link
 * dev.sennit.manager.ManagerServer} holds them, {@link dev.sennit.manager.ManagerClient} finds and makes them.
 *
 * <p>Ready made are lists, maps, sets, queues, locks and their kin; any interface of one's own can be served as well.
 */
@NullMarked
package dev.sennit.manager;

import org.jspecify.annotations.NullMarked;
