package dev.sennit.service;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The slots of one service, and what is wanted of them. Guarded by the manager's lock. */
final class ServiceGroup {
    /** A slot, the thread that serves it, and how often its restart was asked for. */
    static final class Place {
        final Slot slot;
        final SlotThread thread;
        boolean hasThread;
        long restarts;
        /** Whether its slot may replace its process, or did not know yet at the last look that it may not any more. */
        private boolean hasTurn;

        Place(Slot slot, SlotThread thread) {
            this.slot = slot;
            this.thread = thread;
        }

        boolean hasTurn() {
            return hasTurn;
        }

        void takeTurn() {
            hasTurn = true;
        }

        /** Whether the slot has a use for its turn. */
        boolean mayReplace() {
            return hasTurn && (slot.isReplacing() || slot.wantsToReplace());
        }

        /** Another may have the turn once the slot has followed an order by which it may not replace. */
        void giveBackTurn() {
            Order last = slot.order();
            if (hasTurn && !last.mayReplace() && slot.hasTaken(last) && !slot.isReplacing()) {
                hasTurn = slot.wantsToReplace();
            }
        }
    }

    final String name;
    /** Slots by their number. */
    final Map<Integer, Place> places = new TreeMap<>();
    /** What a process that is started runs. */
    Generation generation;
    /** What runs when a newer generation was given up; null for none. */
    @Nullable Generation former;
    /** The next generation, which runs once it is this service's turn; null for none. */
    @Nullable Generation pending;
    /** The number of the newest generation that was made. */
    long newest;
    int wanted;
    long reloads;
    /** Whether its slots may start processes: those that it comes after have been ready. */
    boolean mayStart;
    boolean isRemoved;
    /** Whether all workers are stopped, as too many died. */
    boolean isEscalated;
    /** Whether it has stopped with the manager: its workers never start again. */
    boolean hasStopped;
    /** Generations that run no more, once every slot has followed an order that says so. */
    final List<Generation> leaving = new ArrayList<>();
    /** How many workers are wanted again if the generation on trial is given up; negative for no other number. */
    private int beforeTrial = -1;
    /** How many are wanted again if the pending generation is dropped; negative for no other number. */
    private int beforePending = -1;
    /** The number of the newest generation that was pending. */
    long newestSet;
    /** The number of the reload that made the pending generation, and of the one that made what runs. */
    long pendingReload;
    long reload;
    /** The number of the last reload that was given up, and why. */
    long givenUpReload;
    String givenUp = "";

    ServiceGroup(ServiceSettings settings, Generation generation) {
        this.name = settings.name();
        this.generation = generation;
        wanted = settings.workers();
        newest = generation.number();
    }

    ServiceSettings settings() {
        return generation.settings();
    }

    /** Returns the settings that it has or is about to have. */
    ServiceSettings newestSettings() {
        Generation next = pending;
        return next != null ? next.settings() : generation.settings();
    }

    /** Whether as many workers as wanted are ready, or have done their work. */
    boolean isUp() {
        int up = 0;
        for (Place place : places.values()) {
            SlotStatus status = place.slot.status();
            if (place.slot.id() < wanted
                    && place.slot.hasTaken(generation)
                    && (place.slot.isDone()
                            || status.state() == SlotState.READY && settings().kind() != ServiceKind.ONCE)) {
                up++;
            }
        }
        return up >= wanted;
    }

    /** Whether every worker is down for good: it has done its work, or has failed. */
    boolean isOver() {
        if (wanted == 0 || places.size() < wanted) { // one that was scaled to none waits to be scaled up
            return false;
        }
        for (Place place : places.values()) {
            if (!place.slot.isDone() && place.slot.status().state() != SlotState.FAILED) {
                return false;
            }
        }
        return true;
    }

    /**
     * Returns why so many workers as are wanted will not be ready, unless somebody does something; null if they may.
     */
    @Nullable String obstacle() {
        if (isRemoved) {
            return "service " + name + " was removed";
        }
        if (pending != null) {
            return null;
        }
        for (Place place : places.values()) {
            SlotStatus status = place.slot.status();
            if (place.slot.hasTaken(place.slot.order()) && status.state() == SlotState.FAILED) {
                return "worker " + place.slot.id() + " of service " + name + " stays down: " + status.why();
            }
        }
        return null;
    }

    // ---- how many are wanted: what a generation asked for is taken back with it ----

    /** The pending generation asks for another number, at once. */
    void wantBy(int workers) {
        if (beforePending < 0) { // else that of a pending one, which was overtaken
            beforePending = wanted;
        }
        wanted = workers;
    }

    /** Somebody says a number, which stays. */
    void scale(int workers) {
        wanted = workers;
        beforeTrial = -1;
        beforePending = -1;
    }

    /** The pending generation is dropped. */
    void takeBackPending() {
        if (beforePending >= 0) {
            wanted = beforePending;
            beforePending = -1;
        }
    }

    /** The pending generation is tried. One that is on trial has proved nothing, and is left out. */
    void tryPending() {
        if (beforeTrial < 0) {
            beforeTrial = beforePending;
        }
        beforePending = -1;
    }

    /** The generation on trial is given up. What a pending one asks for stays, until that is given up too. */
    void takeBackTrial() {
        if (beforeTrial >= 0) {
            if (pending == null) {
                wanted = beforeTrial;
            } else {
                beforePending = beforeTrial;
            }
            beforeTrial = -1;
        }
    }

    /** The generation on trial has proved itself. */
    void keepTrial() {
        beforeTrial = -1;
    }

    /** Returns its status, with the services that it waits for before its first start. */
    ServiceStatus status(List<String> waitsFor) {
        int ready = 0;
        for (Place place : places.values()) {
            ready += place.slot.status().state() == SlotState.READY ? 1 : 0;
        }
        String obstacle = obstacle();
        boolean isDown = isRemoved || isEscalated;
        return new ServiceStatus(
                name,
                isDown ? 0 : wanted,
                ready,
                generation.number(),
                isRolling(),
                isUp() && !isDown,
                isEscalated
                        ? "is stopped, as too many workers died"
                        : obstacle != null
                                ? obstacle
                                : waitsFor.isEmpty() ? "" : "waits for " + String.join(", ", waitsFor));
    }

    /** Whether every slot has followed the last order. */
    boolean hasTakenOrders() {
        return places.values().stream().allMatch(place -> place.slot.hasTaken(place.slot.order()));
    }

    /** Whether a process runs, or may be about to be started. */
    boolean hasProcess() {
        for (Place place : places.values()) {
            if (place.slot.hasProcess() || !place.slot.hasTaken(place.slot.order())) {
                return true;
            }
        }
        return false;
    }

    /** Whether a reload is under way. */
    boolean isRolling() {
        if (pending != null) {
            return true;
        }
        for (Place place : places.values()) {
            SlotStatus status = place.slot.status();
            boolean isOther = status.generation() != 0 && status.generation() != generation.number();
            if (place.slot.id() < wanted && (isOther || place.slot.isReplacing())) {
                return true;
            }
        }
        return false;
    }
}
