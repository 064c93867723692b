/**
 * Objects in one process that other processes use through proxies, on this machine or another: a
 * {@link dev.sennit.manager.ManagerServer} holds them, a {@link dev.sennit.manager.ManagerClient} finds and makes them.
 *
 * <p>Lists, maps, sets, queues, locks and similar objects are ready made; a program can also register objects with
 * interfaces of its own.
 */
@NullMarked
package dev.sennit.manager;

import org.jspecify.annotations.NullMarked;
