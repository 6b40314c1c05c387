-- The town's tables: boats and the tolls they pay at the lock, stations and the levels they read.

CREATE TABLE moorings (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    arm TEXT NOT NULL
);

CREATE TABLE boats (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    built INTEGER NOT NULL,
    mooring_id INTEGER NOT NULL REFERENCES moorings (id)
);

CREATE TABLE tolls (
    id INTEGER PRIMARY KEY,
    boat_id INTEGER NOT NULL REFERENCES boats (id),
    paid_on TEXT NOT NULL, -- YYYY-MM-DD
    amount INTEGER NOT NULL -- crowns
);

CREATE TABLE stations (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kilometre REAL NOT NULL -- from Skarn Tarn
);

CREATE TABLE readings (
    id INTEGER PRIMARY KEY,
    station_id INTEGER NOT NULL REFERENCES stations (id),
    taken_on TEXT NOT NULL, -- YYYY-MM-DD
    level INTEGER NOT NULL -- centimetres
);

INSERT INTO moorings (id, name, arm) VALUES
    (1, 'Wharfside', 'Long Arm'),
    (2, 'Otter Bank', 'Long Arm'),
    (3, 'Millgate', 'Mill Arm');

INSERT INTO boats (id, name, kind, built, mooring_id) VALUES
    (1, 'Marigold', 'barge', 1928, 1),
    (2, 'Second Thought', 'barge', 1951, 1),
    (3, 'Kingcup', 'barge', 1934, 2),
    (4, 'Little Deputy', 'launch', 1987, 1),
    (5, 'Grey Wagtail', 'launch', 2003, 2),
    (6, 'Patience II', 'eel boat', 1969, 1),
    (7, 'Glass Eel', 'eel boat', 2011, 1),
    (8, 'Flour Day', 'punt', 1995, 3);

INSERT INTO tolls (id, boat_id, paid_on, amount) VALUES
    (1, 1, '2024-03-04', 18), (2, 2, '2024-03-04', 18), (3, 3, '2024-03-11', 18),
    (4, 4, '2024-03-12', 6), (5, 1, '2024-03-25', 18), (6, 5, '2024-04-02', 6),
    (7, 6, '2024-04-03', 4), (8, 7, '2024-04-03', 4), (9, 1, '2024-04-15', 18),
    (10, 2, '2024-04-15', 18), (11, 3, '2024-04-22', 18), (12, 8, '2024-05-02', 2),
    (13, 4, '2024-05-07', 6), (14, 1, '2024-05-13', 20), (15, 2, '2024-05-13', 20),
    (16, 5, '2024-05-21', 7), (17, 3, '2024-06-03', 20), (18, 6, '2024-06-10', 5),
    (19, 7, '2024-06-10', 5), (20, 1, '2024-06-24', 20), (21, 8, '2024-07-01', 2),
    (22, 2, '2024-07-08', 20), (23, 4, '2024-07-16', 7), (24, 3, '2024-08-05', 20);

INSERT INTO stations (id, name, kilometre) VALUES
    (1, 'Tarn Dam', 0.2),
    (2, 'Parting Point', 31.5),
    (3, 'Mill Weir', 33.0),
    (4, 'Gauge Steps', 34.1),
    (5, 'Callowby Landing', 40.4);

INSERT INTO readings (id, station_id, taken_on, level) VALUES
    (1, 1, '2024-01-15', 96), (2, 2, '2024-01-15', 171), (3, 3, '2024-01-15', 118),
    (4, 4, '2024-01-15', 182), (5, 5, '2024-01-15', 160), (6, 1, '2024-03-15', 131),
    (7, 2, '2024-03-15', 287), (8, 3, '2024-03-15', 201), (9, 4, '2024-03-15', 304),
    (10, 5, '2024-03-15', 262), (11, 1, '2024-05-15', 104), (12, 2, '2024-05-15', 190),
    (13, 3, '2024-05-15', 126), (14, 4, '2024-05-15', 203), (15, 5, '2024-05-15', 177),
    (16, 1, '2024-08-15', 71), (17, 2, '2024-08-15', 98), (18, 3, '2024-08-15', 63),
    (19, 4, '2024-08-15', 107), (20, 5, '2024-08-15', 90);
